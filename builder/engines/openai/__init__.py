"""Any server with `/v1/completions`."""
