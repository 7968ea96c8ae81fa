"""The demo model: a tiny Llama with the Llama-3 chat template, and the script that made it."""
