"""Plots of a release: what was measured, counted for the eye, and drawn for light pages and dark.

The way is facts -> `series` -> drawings. A series is plain numbers, so the page of `magpie report`
draws the same ones in its own way. Only the map needs more than facts: the vectors of the run.
"""
