"""Selecting over all shards: which rows the release covers, which it keeps, and why not others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from builder.recipe.schema import Recipe, Target
from builder.run.shards import Shards
from builder.run.storage import write_parquet
from builder.select.duplicates import first_of_key
from builder.select.funnel import Funnel, funnel_of
from builder.select.judged import judged
from builder.select.longest import cut_by_longest

SELECTION_FILE: Final = "selection.parquet"
"""Name of the selection in a run directory."""


@dataclass(frozen=True)
class Reach:
    """How far a run has come towards its target."""

    reached: bool
    rows: int
    """Rows 0 to `rows - 1` make the release: up to the target, or all considered so far."""
    passed: int
    """Of these, rows that pass every rule (before the cut by `longest`)."""
    unanswered: int
    """Of these, rows that pass the rules on the instruction and wait for their response."""


def select(shards: Shards, recipe: Recipe, path: Path) -> Funnel:
    """Decide every row of the release, and write that to `path` (columns `rows.SELECTION`).

    The result follows from the rows and the recipe alone. The file is whole or absent. Raises
    `RecipeError` where a rule cannot be computed, `StorageError` where the disk refuses.
    """
    selection = decide(judged(shards, recipe), recipe)
    write_parquet(path, selection)
    return funnel_of(selection, recipe)


def decide(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Turn judged rows into the selection: columns `rows.SELECTION`, sorted by row."""
    settled = combined(rows)
    covered = settled.head(reach(settled, recipe.target).rows)
    dropped = pl.col("drop_reason").cast(pl.String)
    if recipe.select.longest is not None:
        passed = covered.filter(pl.col("drop_reason").is_null())
        cut = cut_by_longest(passed, recipe.select.longest)
        dropped = (
            pl.when(pl.col("row").is_in(cut.implode())).then(pl.lit("longest")).otherwise(dropped)
        )
    return covered.select("row", "uuid", dropped.alias("drop_reason"), "duplicate_of")


def combined(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `drop_reason` (before the cut by `longest`) and `duplicate_of` to judged rows."""
    first_row, first_uuid = first_of_key()
    twin = pl.col("first_row") < pl.col("row")
    reason = rows.schema["instruction_drop"]
    return rows.with_columns(first_row, first_uuid).select(
        "row",
        "uuid",
        "by",
        pl.coalesce(
            "instruction_drop",
            pl.when(twin).then(pl.lit("duplicate", dtype=reason)),
            "response_drop",
        ).alias("drop_reason"),
        pl.when(twin).then("first_uuid").alias("duplicate_of"),
    )


def reach(rows: pl.DataFrame, target: Target) -> Reach:
    """Count what `combined` gave against a target, in the order of the rows."""
    passes = rows["drop_reason"].is_null()
    if target.sampled is not None:
        covered, reached = min(target.sampled, rows.height), rows.height >= target.sampled
    else:
        numbers = passes.arg_true()
        wanted = target.kept or 0
        reached = len(numbers) >= wanted
        covered = int(numbers[wanted - 1]) + 1 if reached else rows.height
    taken = rows["drop_reason"].head(covered)
    return Reach(reached, covered, taken.null_count(), int((taken == "unanswered").sum()))
