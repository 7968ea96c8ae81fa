"""The cut that comes after all rules: only the k greatest rows by one column stay."""

from __future__ import annotations

import polars as pl


def cut_by_longest(rows: pl.DataFrame, k: int) -> pl.Series:
    """Return the numbers of the rows to drop so that the `k` greatest by column `by` stay.

    `rows` has columns `row` (Int64) and `by` (a number). Of equals the smaller row number stays;
    null and NaN are the least. `[(0, 5), (1, 9), (2, 5), (3, null)]`, k = 2 -> `[2, 3]`.
    """
    by = pl.col("by")
    if rows.schema["by"].is_float():
        by = by.fill_nan(None)  # Polars sorts NaN as the greatest of all numbers
    ranked = rows.select("row", by).sort(
        "by", "row", descending=[True, False], nulls_last=[True, False]
    )
    return ranked["row"].slice(k).sort()
