"""Selecting over all shards: which rows the release covers, which it keeps, and why not others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from builder.recipe.annotators import whole_set_columns
from builder.recipe.cascade import EMBEDDING, near_radius
from builder.recipe.goal import Goal, cut_of, goal_of
from builder.recipe.schema import Recipe
from builder.run.course import Course, End
from builder.run.shards import Shards
from builder.run.storage import write_parquet
from builder.select.duplicates import first_of_key
from builder.select.funnel import Funnel, funnel_of
from builder.select.judged import judged
from builder.select.longest import cut_by_longest
from builder.select.near import Neighbours, near_twins, neighbours, write_neighbours
from builder.select.rules import screen_of

SELECTION_FILE: Final = "selection.parquet"
"""Name of the selection in a run directory."""


@dataclass(frozen=True)
class Reach:
    """How far a run has come towards its goal. `end` says why that is enough; None: it is not."""

    end: End | None
    rows: int
    """Rows 0 to `rows - 1` make the release: up to the end, or all considered so far."""
    passed: int
    """Of these, rows that pass every rule (before the cut by `longest`)."""
    unanswered: int
    """Of these, rows that wait for their next judgement or their response."""


def select(shards: Shards, recipe: Recipe, path: Path, available: int | None = None) -> Funnel:
    """Decide every row of the release, and write that to `path` (columns `rows.SELECTION`).

    Beside it stands what is known of the rows' neighbours, where the recipe asks for them.
    `available` is how many rows there can be at all, None: any number. The result follows from
    the rows and the recipe alone. Files are whole or absent. Raises `RecipeError` where a rule
    cannot be computed, `StorageError` where the disk refuses.
    """
    goal = goal_of(recipe, available)
    rows = combined(judged(shards, recipe))
    if near_radius(recipe) is not None:
        rows = near_twins(rows, shards, recipe)
    settled, course = covered(rows, goal)
    found = neighbours(settled, shards, recipe)
    settled = _late_rules(settled, shards, recipe, found)
    selection = cut(_with_late_column(settled, recipe, found), recipe)
    if found is not None:
        write_neighbours(path, found)
    write_parquet(path, selection)
    return _counted(selection, recipe, course, found)


def decide(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Turn judged rows into the selection, without neighbours: columns `rows.SELECTION`."""
    return cut(covered(combined(rows), goal_of(recipe))[0], recipe)


def combined(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `drop_reason` (before near twins, quota and the last cut) and `duplicate_of`."""
    first_row, first_uuid = first_of_key()
    twin = pl.col("first_row") < pl.col("row")
    reason = rows.schema["first_drop"]
    return rows.with_columns(first_row, first_uuid).with_columns(
        pl.coalesce(
            "first_drop",
            pl.when(twin).then(pl.lit("duplicate", dtype=reason)),
            "near_drop",
        ).alias("drop_reason"),
        pl.when(twin).then("first_uuid").alias("duplicate_of"),
    )


def covered(rows: pl.DataFrame, goal: Goal) -> tuple[pl.DataFrame, Course]:
    """Go through what `combined` gave up to the end of the goal, and decide quotas on the way."""
    course, reasons = Course(goal), []
    repeats = ("duplicate", "near-duplicate")
    columns = ("first_drop", "drop_reason", "quota_drop", "last_drop", "label")
    for first, early, before_quota, last, label in rows.select(columns).iter_rows():
        if course.end is not None:
            break
        reason = early or before_quota
        if reason is None:
            reason = "quota" if course.full(label) else last
        new = None if first is not None else early not in repeats
        course.take(kept=reason is None, label=label, new=new)
        reasons.append(reason)
    decided = pl.Series("drop_reason", reasons, dtype=rows.schema["first_drop"])
    return rows.head(len(reasons)).with_columns(decided), course


def reach(rows: pl.DataFrame, goal: Goal) -> Reach:
    """Count what `combined` gave against a goal, in the order of the rows."""
    settled, course = covered(rows, goal)
    taken = settled["drop_reason"]
    return Reach(course.end, course.rows, course.kept, int((taken == "unanswered").sum()))


def cut(settled: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Make the last cut: columns `rows.SELECTION`."""
    dropped, k = pl.col("drop_reason").cast(pl.String), cut_of(recipe)
    if k is not None:
        passed = settled.filter(pl.col("drop_reason").is_null())
        gone = cut_by_longest(passed, k)
        dropped = (
            pl.when(pl.col("row").is_in(gone.implode())).then(pl.lit("longest")).otherwise(dropped)
        )
    return settled.select("row", "uuid", dropped.alias("drop_reason"), "duplicate_of")


def _late_rules(
    settled: pl.DataFrame, shards: Shards, recipe: Recipe, found: Neighbours | None
) -> pl.DataFrame:
    """Ask the rules that need all rows, of those that passed the others."""
    late = screen_of(recipe).late
    if not late.tests or found is None:
        return settled
    reason, parts = settled.schema["drop_reason"], []
    for shard in shards:
        inside = settled.filter(pl.col("row").is_between(shard.first, shard.end - 1))
        rows = inside.select("row").join(
            shard.rows((EMBEDDING,)), on="row", how="left", maintain_order="left"
        )
        rows = rows.join(found.table.drop("uuid"), on="row", how="left", maintain_order="left")
        drop = late.drop(rows).cast(reason)
        parts.append(inside.with_columns(pl.coalesce("drop_reason", drop).alias("drop_reason")))
    return pl.concat(parts)


def _with_late_column(
    settled: pl.DataFrame, recipe: Recipe, found: Neighbours | None
) -> pl.DataFrame:
    """Fill in the column of the last cut where it was known only now."""
    by = recipe.select.by
    if found is None or by not in whole_set_columns(recipe):
        return settled
    values = found.table.select("row", by=by)
    return settled.drop("by").join(values, on="row", how="left", maintain_order="left")


def _counted(
    selection: pl.DataFrame, recipe: Recipe, course: Course, found: Neighbours | None
) -> Funnel:
    goal = course.goal
    quotas = None
    if goal.quotas is not None:
        quotas = {
            label: (wanted, min(wanted, course.labels[label]))
            for label, wanted in goal.quotas.items()
        }
    missing = max(0, (goal.kept or goal.sampled or 0) - (course.kept if goal.kept else course.rows))
    return replace(
        funnel_of(selection, recipe),
        end=course.end,
        missing=missing,
        quotas=quotas,
        neighbours=None if found is None else found.told(),
    )
