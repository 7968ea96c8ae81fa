"""The first pass: what selecting has to know of each row, without its texts.

Texts are read a shard at a time and let go again. What stays of a row is its number, uuid, key
and reasons, some 120 bytes, however long its instruction and response are.
"""

from __future__ import annotations

import polars as pl

from builder.errors import RecipeError
from builder.recipe.schema import Recipe
from builder.rows import response_columns
from builder.run.shards import Shards
from builder.select.duplicates import instruction_keys
from builder.select.funnel import reasons_of
from builder.select.rules import Screen, screen_of


def judged_columns(recipe: Recipe) -> pl.Schema:
    """Return the columns of `judged`; reasons are an Enum in the order of the funnel."""
    reason = pl.Enum(reasons_of(recipe))
    columns = {
        "row": pl.Int64(),
        "uuid": pl.String(),
        "key": pl.Binary(),  # of the folded instruction; null where it was dropped before that
        "instruction_drop": reason,
        "response_drop": reason,
        "by": _column_to_cut_by(recipe),
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
        rows = shard.rows()
        whole = _without_gap(rows, row)
        parts.append(_judge(whole, screen, recipe).cast(columns))
        row += whole.height
        if whole.height < rows.height or row < shard.end:
            break
    return pl.concat(parts)


def _column_to_cut_by(recipe: Recipe) -> pl.DataType:
    columns = response_columns(recipe.annotate)
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
    instruction_drop = screen.instruction_drop(rows)
    asked = rows["instruction"].set(instruction_drop.is_not_null(), None)
    return rows.select(
        "row",
        "uuid",
        instruction_keys(asked),
        instruction_drop.alias("instruction_drop"),
        screen.response_drop(rows).alias("response_drop"),
        pl.col(recipe.select.by).alias("by"),
    )
