"""Benchmarks: ratios against a stated limit, measured in one run. `make bench`."""
