"""Which rows a report carries: at most so many, spread over what was kept and what was dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

KEPT: Final = ""
"""Stands for the kept rows among the reasons; no rule has an empty name."""


def shares(counts: Mapping[str, int], most: int) -> dict[str, int]:
    """Return how many rows of each reason a report carries; `KEPT` are those without one.

    All, where they are not more than `most`. Else the dropped ones get up to half, as evenly over
    their reasons as these have rows, so that a rare one is seen; the kept ones get the rest.
    `({"": 90, "duplicate": 9, "short": 1}, 10)` -> `{"": 5, "duplicate": 4, "short": 1}`.
    """
    if sum(counts.values()) <= most:
        return dict(counts)
    kept = counts.get(KEPT, 0)
    dropped = {reason: rows for reason, rows in counts.items() if reason != KEPT}
    given = _level(dropped, max(most // 2, most - kept))
    return {KEPT: min(kept, most - sum(given.values())), **given}


def _level(counts: Mapping[str, int], most: int) -> dict[str, int]:
    """Give each the same as far as it has that many, the smallest first; what is left goes on."""
    given: dict[str, int] = {}
    for done, (reason, rows) in enumerate(sorted(counts.items(), key=lambda one: (one[1], one[0]))):
        given[reason] = min(rows, (most - sum(given.values())) // (len(counts) - done))
    return given


def spread(rows: pl.DataFrame, most: int, mapped: pl.Series | None = None) -> pl.Series:
    """Return the numbers of the rows that a report carries, ascending, evenly over the run.

    `rows` has the columns `row` and `drop_reason`, sorted by `row`. Where not all kept rows go
    onto the page, those do that lie on the map, the numbers `mapped`, if these are enough. The
    same rows give the same.
    """
    groups = rows.with_columns(pl.col("drop_reason").fill_null(KEPT))
    given = shares(dict(groups["drop_reason"].value_counts().iter_rows()), most)
    groups = _on_the_map(groups, given.get(KEPT, 0), mapped)
    wanted = pl.col("drop_reason").replace_strict(given, return_dtype=pl.Int64)
    place = pl.int_range(pl.len()).over("drop_reason")
    steps = place * wanted // pl.len().over("drop_reason")
    new = (steps != steps.shift(1).over("drop_reason")).fill_null(value=True)
    return groups.filter(new & (wanted > 0))["row"]


def _on_the_map(groups: pl.DataFrame, kept: int, mapped: pl.Series | None) -> pl.DataFrame:
    """Leave out kept rows that are not on the map, where enough of them are."""
    if mapped is None:
        return groups
    there = (pl.col("drop_reason") != KEPT) | pl.col("row").is_in(mapped.implode())
    found = groups.filter(there)
    enough = (found["drop_reason"] == KEPT).sum() >= kept
    return found if enough else groups
