"""What engines behind an address share: connections, events, errors."""
