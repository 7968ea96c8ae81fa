"""The first pass: what selecting has to know of each row, without its texts.

Texts are read a shard at a time and let go again. What stays of a row is its number, uuid, key
and reasons, some 120 bytes, however long its instruction and response are.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from builder.errors import RecipeError
from builder.recipe.annotators import response_columns
from builder.recipe.cascade import EMBEDDING, Way
from builder.recipe.schema import Recipe
from builder.run.shards import Shards
from builder.select.duplicates import instruction_keys
from builder.select.funnel import reasons_of
from builder.select.rules import Screen, Stage, screen_of

PARTS = ("first_drop", "near_drop", "quota_drop", "last_drop")
"""Reasons by what is decided after them: exact twins, near twins, the quota, nothing more."""


def judged_columns(recipe: Recipe) -> pl.Schema:
    """Return the columns of `judged`; reasons are an Enum in the order of the funnel."""
    reason = pl.Enum(reasons_of(recipe))
    columns = {
        "row": pl.Int64(),
        "uuid": pl.String(),
        "key": pl.Binary(),  # of the folded instruction; null where it was dropped before that
        **dict.fromkeys(PARTS, reason),
        "embedded": pl.Boolean(),  # whether the row came as far as its embedding
        "label": pl.String(),  # of the quotas
        "by": _column_to_cut_by(recipe),  # null where `neighbours` fills it in
    }
    return pl.Schema(columns)


def judged(shards: Shards, recipe: Recipe) -> pl.DataFrame:
    """Judge each considered row by itself: columns `judged_columns`, sorted by row.

    Considered are rows 0 to P - 1 that have all finished their instruction; what stands behind
    a gap is left for the next time. Raises `RecipeError` where a rule cannot be computed.
    """
    screen, columns = screen_of(recipe), judged_columns(recipe)
    parts = [pl.DataFrame(schema=columns)]
    row = 0
    for shard in shards:
        rows = shard.rows(without=(EMBEDDING,), flags=True)
        whole = _without_gap(rows, row)
        parts.append(_judge(whole, screen, recipe).cast(columns))
        row += whole.height
        if whole.height < rows.height or row < shard.end:
            break
    return pl.concat(parts)


def _column_to_cut_by(recipe: Recipe) -> pl.DataType:
    columns = response_columns(recipe)
    if recipe.select.by not in columns:
        raise RecipeError(
            f"select.by: no column {recipe.select.by!r}",
            mend=f"Columns are: {', '.join(columns)}.",
        )
    return columns[recipe.select.by]


def _without_gap(rows: pl.DataFrame, first: int) -> pl.DataFrame:
    """Return the rows `first`, `first + 1`, ... up to the first that is missing."""
    expected = pl.int_range(pl.len(), dtype=pl.Int64) + first
    return rows.filter((pl.col("row") == expected).cum_min())


def _judge(rows: pl.DataFrame, screen: Screen, recipe: Recipe) -> pl.DataFrame:
    drops = [_first_drop(rows, steps) for steps in _parts(screen)]
    asked = rows["instruction"].set(drops[0].is_not_null(), None)
    label = (
        pl.col(recipe.target.by).cast(pl.String) if recipe.target.by else pl.lit(None, pl.String)
    )
    return rows.select(
        "row",
        "uuid",
        instruction_keys(asked),
        *(drop.alias(name) for drop, name in zip(drops, PARTS, strict=True)),
        _embedded(rows, screen, recipe).alias("embedded"),
        label.alias("label"),
        _cut_by(rows, recipe).alias("by"),
    )


def _cut_by(rows: pl.DataFrame, recipe: Recipe) -> pl.Expr:
    """The column of the last cut; null where it is known only once all rows are there."""
    return pl.col(recipe.select.by) if recipe.select.by in rows.columns else pl.lit(None)


def _parts(screen: Screen) -> tuple[Sequence[Stage], ...]:
    """The steps of a screen, by the parts of `PARTS`."""
    way, steps = screen.way.steps, screen.steps
    near = 1 + next((number for number, step in enumerate(way) if step.near_twins), 0)
    quota = 1 + next((number for number, step in enumerate(way) if step.quota), near - 1)
    return steps[:1], steps[1:near], steps[near:quota], steps[quota:]


def _first_drop(rows: pl.DataFrame, steps: Sequence[Stage]) -> pl.Series:
    """The first reason of several steps to drop each row, or null."""
    if not steps:
        return pl.Series("drop_reason", [None] * rows.height, dtype=pl.String)
    drops = [step.drop(rows).alias(str(number)) for number, step in enumerate(steps)]
    return pl.DataFrame(drops).select(pl.coalesce(pl.all())).to_series()


def _embedded(rows: pl.DataFrame, screen: Screen, recipe: Recipe) -> pl.Series:
    """Whether rows have a vector that counts: one that timing alone brought about does not."""
    number = _embedding_step(screen.way)
    if number is None:
        return pl.Series([False] * rows.height, dtype=pl.Boolean)
    step = screen.way.steps[number]
    there = rows[f"{step.stage} done"] & rows[step.error].is_null()
    if recipe.respond == "all":
        return there
    return there & _first_drop(rows, screen.steps[:number]).is_null()


def _embedding_step(way: Way) -> int | None:
    return next((number for number, step in enumerate(way.steps) if EMBEDDING in step.writes), None)
