"""Embedding models behind an address, as engines: the pool bounds, retries and counts them too."""
