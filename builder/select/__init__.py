"""Selecting: which rows stay, and why each of the others does not."""
