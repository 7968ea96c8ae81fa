"""Numbers of a column counted in bins whose edges two data sets can share.

A bin's width is a power of two and its edges are whole multiples of it, so bins of one histogram
are halves, quarters, ... of the bins of any other: two releases are compared without their rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

BINS: Final = 24
"""Bins that the middle of the values is spread over at most, give or take one at the edge: enough
for a shape, few enough that the bars of a picture 360 pixels wide stay apart."""

TAIL: Final = 0.01
"""Share of values on either side that may lie outside all bins: one of them, far away, would
otherwise press the others into a single bar."""

FINEST: Final = 2.0**-10
"""The narrowest bin of real numbers; whole numbers have 1."""


def histograms(
    rows: Mapping[str, pl.DataFrame], columns: Iterable[str], base: str
) -> dict[str, list[dict[str, Any]]]:
    """Count columns of numbers in each configuration, over the same bins in all of them.

    `rows` is configuration -> frame with these columns; the bins are chosen by configuration
    `base`. Returns, by configuration and in the order of `columns`,

        {"column": "response_tokens", "width": 32.0, "first": 0, "counts": [4, 9, ...],
         "below": 0, "above": 3, "none": 0}

    where bin i holds values v with `(first + i) * width <= v < (first + i + 1) * width`, `below`
    and `above` are the rows outside, and `none` those without a finite value. A column that has
    no value in `base` is left out.
    """
    grids = {name: found for name in columns if (found := _grid(rows[base][name])) is not None}
    return {
        config: [_counted(frame[name], name, *grid) for name, grid in grids.items()]
        for config, frame in rows.items()
    }


def _grid(values: pl.Series) -> tuple[float, int, int] | None:
    """Width of the bins, number of the first, and how many; None where there is no value."""
    ordered = _finite(values).sort()
    if ordered.is_empty():
        return None
    last = ordered.len() - 1
    low, high = float(ordered[int(last * TAIL)]), float(ordered[math.ceil(last * (1 - TAIL))])
    width = 1.0 if values.dtype.is_integer() else FINEST
    if high > low:
        width = max(width, 2.0 ** math.ceil(math.log2((high - low) / BINS)))
    first = math.floor(low / width)
    if 0 < first <= BINS // 4:  # an axis that nearly starts at 0 had better start there
        first = 0
    return width, first, math.floor(high / width) - first + 1


def _counted(values: pl.Series, name: str, width: float, first: int, bins: int) -> dict[str, Any]:
    finite = _finite(values)
    places = (finite.cast(pl.Float64) / width).floor().cast(pl.Int64) - first
    counted = dict(places.value_counts().iter_rows())
    return {
        "column": name,
        "width": width,
        "first": first,
        "counts": [counted.get(place, 0) for place in range(bins)],
        "below": int((places < 0).sum()),
        "above": int((places >= bins).sum()),
        "none": values.len() - finite.len(),
    }


def _finite(values: pl.Series) -> pl.Series:
    return values.filter(values.is_finite().fill_null(value=False))
