"""Checks a recipe against the columns that its data set turned out to have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from builder.recipe.existing.look import SAMPLING
from builder.recipe.rules import columns_of
from builder.recipe.schema import Recipe
from builder.recipe.validate import Complaint

_TOLD_BY: Final = {
    "temperature": SAMPLING,
    "top_p": SAMPLING,
    "seed": SAMPLING,
    "instruction_tokens": "instruction_tokens",
    "instruction_finish_reason": "instruction_finish_reason",
    "response_tokens": "response_tokens",
    "finish_reason": "finish_reason",
}
"""Columns of every row that only who sampled it can know -> the column that tells them. The
published sets have no tokens and no finish reasons."""


def check_source_columns(recipe: Recipe) -> Iterator[Complaint]:
    """Find rules and a cut on columns that are null in every row of the data set."""
    assert recipe.source is not None
    assert recipe.source.found is not None
    there = recipe.source.found.columns
    silent = {column for column, teller in _TOLD_BY.items() if teller not in there}
    for part in ("instruction", "response"):
        for name, sql in getattr(recipe.rules, part).items():
            for column in columns_of(pl.sql_expr(sql)):
                if column in silent:
                    message = f"{column} is null in all rows: {recipe.source.dataset} has none"
                    yield ("rules", part, name), message, "delete the rule"
    for section, by in (("select", recipe.select.by), ("target", recipe.target.by)):
        if by in silent:
            message = f"{by} is null in all rows: {recipe.source.dataset} has none"
            yield (section, "by"), message, "write another column"
