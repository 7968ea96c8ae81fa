"""Near twins and neighbours: what needs the vectors of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from builder.neighbours.search import find, leaders
from builder.neighbours.vectors import matrix
from builder.recipe.annotators import annotations_of
from builder.recipe.cascade import EMBEDDING, near_radius
from builder.recipe.schema import Recipe
from builder.run.directory import NEIGHBOURS_FILE
from builder.run.shards import Shards
from builder.run.storage import write_parquet


@dataclass(frozen=True)
class Neighbours:
    """What was found. `table` has a line a row: `row`, `uuid` and the annotator's columns.

    `recall` is the measured share of rows whose nearest neighbour is the true one; None: exact.
    """

    table: pl.DataFrame
    exact: bool
    recall: float | None

    def told(self) -> dict[str, object]:
        """What the facts say of it."""
        return {"rows": self.table.height, "exact": self.exact, "recall": self.recall}


def near_twins(rows: pl.DataFrame, shards: Shards, recipe: Recipe) -> pl.DataFrame:
    """Drop rows that lie near an earlier one that stays; `duplicate_of` is then that one's uuid."""
    radius = near_radius(recipe)
    asked = rows.filter(pl.col("drop_reason").is_null() & pl.col("embedded"))
    if radius is None or asked.is_empty():
        return rows
    stands = leaders(matrix(_vectors(shards, asked["row"])), radius)
    led = asked.select("row", leader=pl.Series(stands, dtype=pl.Int64)).filter(
        pl.col("leader") >= 0
    )
    led = led.select("row", near_uuid=asked["uuid"].gather(led["leader"]))
    reason = rows.schema["drop_reason"]
    near = pl.col("near_uuid").is_not_null()
    return (
        rows.join(led, on="row", how="left", maintain_order="left")
        .with_columns(
            pl.when(near)
            .then(pl.lit("near-duplicate", dtype=reason))
            .otherwise("drop_reason")
            .alias("drop_reason"),
            pl.coalesce("duplicate_of", "near_uuid").alias("duplicate_of"),
        )
        .drop("near_uuid")
    )


def neighbours(settled: pl.DataFrame, shards: Shards, recipe: Recipe) -> Neighbours | None:
    """Find the nearest other row of each row that has a vector; None where nobody asked."""
    told: Any = next(
        (one.options for one in annotations_of(recipe) if one.name == "neighbours"), None
    )
    asked = settled.filter(_has_vector(recipe)).select("row", "uuid")
    if told is None or asked.is_empty():
        return None
    found = find(matrix(_vectors(shards, asked["row"])), told.within, told.exact_up_to)
    first = pl.Series(found.first, dtype=pl.Int64)
    table = asked.with_columns(
        min_neighbor_distance=pl.Series(found.distance, dtype=pl.Float64).fill_nan(None),
        repeat_count=pl.Series(found.count, dtype=pl.Int64),
        min_similar_uuid=asked["uuid"].gather(first.set(first < 0, None)),
    )
    return Neighbours(table, found.exact, found.recall)


def _has_vector(recipe: Recipe) -> pl.Expr:
    """Whether a row has a vector in whatever order rows came.

    An exact twin is embedded only where it came before the row that it repeats, unless the recipe
    asks everything of all rows.
    """
    twin = pl.col("drop_reason").cast(pl.String).eq_missing("duplicate")
    return pl.col("embedded") & (~twin | pl.lit(recipe.respond == "all"))


def write_neighbours(selection: Path, found: Neighbours) -> None:
    """Write what was found beside the selection."""
    write_parquet(selection.with_name(NEIGHBOURS_FILE), found.table)


def _vectors(shards: Shards, rows: pl.Series) -> pl.Series:
    """The vectors of these rows, which are in ascending order, as Binary."""
    stage = next(name for name, columns in shards.stages.items() if EMBEDDING in columns)
    parts = []
    for shard in shards:
        inside = rows.filter(rows.is_between(shard.first, shard.end - 1))
        if inside.is_empty():
            continue
        found = shard.stage(stage, ("row", EMBEDDING))
        parts.append(inside.to_frame().join(found, on="row", how="left", maintain_order="left"))
    return pl.concat(parts)[EMBEDDING]
