"""Sampling rows: an instruction from the bare pre-query template, then its response."""
