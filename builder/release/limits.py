"""Known limits of the rows that are kept: only what was measured, also where it is nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

REPETITIVE: Final = 0.15
"""Share of a text in repeated 5-grams above which Gopher's authors drop a document (Rae et al.
2021, arXiv 2112.11446, table A1)."""

_TESTS: Final[Mapping[str, tuple[str, pl.Expr]]] = {
    "instruction cut off at the token limit": (
        "instruction_finish_reason",
        pl.col("instruction_finish_reason") == "length",
    ),
    "response cut off at the token limit": ("finish_reason", pl.col("finish_reason") == "length"),
    "response refuses or deflects": ("refusal", pl.col("refusal")),
    "instruction unsafe by Llama-Guard": (
        "llama_guard_2",
        pl.col("llama_guard_2").str.starts_with("unsafe"),
    ),
    "instruction shares words with a benchmark": ("contamination", pl.col("contamination") > 0),
    f"instruction repeats more than {REPETITIVE:.0%} of itself": (
        "instruction_repetition",
        pl.col("instruction_repetition") > REPETITIVE,
    ),
    f"response repeats more than {REPETITIVE:.0%} of itself": (
        "response_repetition",
        pl.col("response_repetition") > REPETITIVE,
    ),
    "another sampled instruction, kept or not, counts as a repeat": (
        "repeat_count",
        pl.col("repeat_count") > 0,
    ),
}
"""What is counted -> the column that measures it, and the test of a row."""

MEASURED: Final = tuple(column for column, _ in _TESTS.values())
"""Columns that limits are told by, where a release has them."""


def limits(rows: pl.DataFrame, annotators: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return `[{"limit": "response refuses", "rows": 3, "of": 60, "share": 0.05}, ...]`.

    `of` are the rows that were measured at all; a limit that none was measured for is left out.
    `annotators`, the facts of them, tell of judgements that failed; those count over all rows, not
    the kept ones alone.
    """
    found = [
        _limit(name, int(rows.select(test.sum()).item() or 0), rows[column].count())
        for name, (column, test) in _TESTS.items()
        if column in rows.columns and rows[column].count()
    ]
    asked = [(one, one["annotated"] + one["failed"]) for one in annotators if one["failed"]]
    return found + [
        _limit(f"{one['name']} failed, among all rows that it was asked about", one["failed"], of)
        for one, of in asked
    ]


def _limit(name: str, rows: int, of: int) -> dict[str, Any]:
    return {"limit": name, "rows": rows, "of": of, "share": round(rows / of, 4) if of else 0.0}
