"""Counts and lengths of a written release, from narrow columns of its Parquet files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from builder.recipe.schema import Recipe

MEASURED: Final = (
    "instruction_length",
    "instruction_tokens",
    "response_length",
    "response_tokens",
)
"""Columns that are summed up, in characters and tokens."""

MOST: Final = 40
"""Labels of a column of lists that are told, where nobody knows all that it may have."""

_SIZES: Final = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
    (10**10, "1B<n<10B"),
    (10**11, "10B<n<100B"),
    (10**12, "100B<n<1T"),
)
"""Below this many rows -> the Hub's id (its documentation of dataset cards, size_categories)."""


def size_category(rows: int) -> str:
    """Return the Hub's id for a number of rows: 999 -> `n<1K`, 1000 -> `1K<n<10K`."""
    return next((name for below, name in _SIZES if rows < below), "n>1T")


def narrow_columns(files: list[Path], annotations: Iterable[str] = ()) -> pl.DataFrame:
    """Read what the facts count: `MEASURED`, finish reasons, the sweep's point, `annotations`."""
    sampling = pl.col("gen_input_configs").struct
    return (
        pl.scan_parquet(files)
        .select(
            *MEASURED,
            "instruction_finish_reason",
            "finish_reason",
            sampling.field("temperature"),
            sampling.field("top_p"),
            *annotations,
        )
        .collect()
    )


def lengths(rows: pl.DataFrame) -> dict[str, dict[str, float] | None]:
    """Return `{"response_length": {"min": 3, "mean": 40.5, "median": .., "p95": .., "max": ..}}`.

    Rows without a value do not count; a column without any value gives None. Quantiles are
    values that occur (the lower of two), means are rounded to two decimals.
    """
    return {name: _summary(rows[name].drop_nulls(), 2) for name in MEASURED}


def numbers(rows: pl.DataFrame, columns: Iterable[str]) -> dict[str, dict[str, float] | None]:
    """Return the same of columns of numbers, to four decimals."""
    return {name: _summary(rows[name].drop_nulls(), 4) for name in columns}


def _summary(values: pl.Series, decimals: int) -> dict[str, float] | None:
    if values.is_empty():
        return None
    ordered = values.sort()
    rounded = {
        "min": ordered[0],
        "median": ordered[(values.len() - 1) // 2],
        "p95": ordered[(values.len() - 1) * 95 // 100],
        "max": ordered[-1],
    }
    total = math.fsum(ordered) if values.dtype.is_float() else int(values.sum())
    return {
        "mean": round(total / values.len(), decimals),
        **{name: round(value, decimals) for name, value in rounded.items()},
    }


def labels(rows: pl.DataFrame, column: str) -> dict[str, Any]:
    """Count the labels of a column in their order, also those that no row has.

    `{"column": "refusal", "labels": [{"label": "false", "rows": 9, "share": 0.9}, ...], "none": 1,
    "none_share": 0.1}`; `none` are rows without one, and shares are of all rows.
    """
    values = rows[column]
    counted = dict(values.cast(pl.String).value_counts().iter_rows())
    known = values.dtype.categories if isinstance(values.dtype, pl.Enum) else ["false", "true"]
    return {
        "column": column,
        "labels": [_counted("label", label, counted.get(label, 0), rows) for label in known],
        "none": values.null_count(),
        "none_share": _share(values.null_count(), rows),
    }


def several_labels(rows: pl.DataFrame, column: str, known: Sequence[str]) -> dict[str, Any]:
    """Count the `known` labels of a column of lists: a row counts once for each of its labels.

    As `labels` has it, with `"several": True`: shares are of all rows, and need not add up to 1.
    `none` are rows without any label, and `empty` those of them whose list holds none.
    """
    counted = dict(_each_label(rows, column).value_counts().iter_rows())
    empty = int((rows[column].list.len() == 0).sum())
    none = rows[column].null_count() + empty
    return {
        "column": column,
        "several": True,
        "labels": [_counted("label", name, counted.get(name, 0), rows) for name in known],
        "none": none,
        "none_share": _share(none, rows),
        "empty": empty,
    }


def ranked_labels(rows: pl.DataFrame, column: str) -> list[str]:
    """Return the `MOST` most frequent labels of a column of lists, the first one in most rows."""
    counted = _each_label(rows, column).value_counts().iter_rows()
    return [name for name, _ in sorted(counted, key=lambda pair: (-pair[1], pair[0]))][:MOST]


def _each_label(rows: pl.DataFrame, column: str) -> pl.Series:
    lists = rows[column].drop_nulls().cast(pl.List(pl.String)).list.unique()
    return lists.explode().drop_nulls()


def languages(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return `[{"language": "EN", "rows": 9, "share": 0.9}, ...]`, the most frequent first."""
    counted = rows["language"].drop_nulls().value_counts()
    found = sorted(counted.iter_rows(), key=lambda pair: (-pair[1], pair[0]))
    return [_counted("language", language, count, rows) for language, count in found]


def _counted(what: str, name: str, count: int, rows: pl.DataFrame) -> dict[str, Any]:
    return {what: name, "rows": count, "share": _share(count, rows)}


def _share(count: int, rows: pl.DataFrame) -> float:
    return round(count / (rows.height or 1), 4)


def reasons(rows: pl.DataFrame, column: str) -> dict[str, int]:
    """Count the finish reasons of a column, by name; rows without one do not count."""
    counted = rows[column].drop_nulls().value_counts().sort(column)
    return dict(counted.iter_rows())


def sweep(recipe: Recipe, raw: pl.DataFrame, kept: pl.DataFrame) -> list[dict[str, float]]:
    """Return each point of the recipe's sweep with how many rows it sampled and kept."""
    return [
        {
            "temperature": point.temperature,
            "top_p": point.top_p,
            "weight": point.weight,
            "sampled": _at(raw, point.temperature, point.top_p),
            "kept": _at(kept, point.temperature, point.top_p),
        }
        for point in recipe.instruction.sweep
    ]


def _at(rows: pl.DataFrame, temperature: float, top_p: float) -> int:
    return int(((rows["temperature"] == temperature) & (rows["top_p"] == top_p)).sum())
