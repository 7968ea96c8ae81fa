"""Why a run ended before its target: which labels are short and what drops their rows, and how
much of what the model said last was new."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from builder.recipe.annotators import annotations_of
from builder.recipe.cascade import way_of
from builder.recipe.goal import quotas_of
from builder.recipe.schema import Recipe
from builder.run.course import NEWEST
from builder.run.shards import Shard, Shards

REPEATS = ("duplicate", "near-duplicate")
"""Drop reasons of rows that are not new."""


@dataclass(frozen=True)
class Shortfall:
    """A label whose quota is not met: of the rows that were given it, `kept` of `wanted`.

    `dropped` are the reasons of the others, the most frequent first.
    """

    label: str
    wanted: int
    kept: int
    rows: int
    dropped: tuple[tuple[str, int], ...]

    def to_json(self) -> dict[str, object]:
        """Return `{"label": "Math", ..., "dropped": [{"reason": "good", "rows": 212}, ...]}`."""
        return {
            "label": self.label,
            "wanted": self.wanted,
            "kept": self.kept,
            "rows": self.rows,
            "dropped": [{"reason": reason, "rows": rows} for reason, rows in self.dropped],
        }


def shortfalls(shards: Shards, recipe: Recipe, path: Path) -> tuple[Shortfall, ...]:
    """Tell of each quota that the selection at `path` does not meet, in the order of the quotas.

    Rows that were dropped before anybody gave them a label belong to none. The column of the
    labels is read a shard at a time.
    """
    quotas, by = quotas_of(recipe), recipe.target.by
    if quotas is None or by is None:
        return ()
    selection = pl.read_parquet(path, columns=["row", "drop_reason"])
    counts: Counter[tuple[str, str | None]] = Counter()
    for shard in shards:
        labels = _labels(shard, recipe, by)
        found = selection.join(labels, on="row").group_by(by, "drop_reason").len()
        counts.update({(label, reason): rows for label, reason, rows in found.iter_rows()})
    short = [
        Shortfall(
            label,
            wanted,
            counts[label, None],
            sum(rows for (one, _), rows in counts.items() if one == label),
            _most_first({r: n for (one, r), n in counts.items() if one == label and r is not None}),
        )
        for label, wanted in quotas.items()
    ]
    return tuple(one for one in short if one.kept < one.wanted)


def novelty(shards: Shards, recipe: Recipe, path: Path) -> float | None:
    """Share of the newest instructions that were new at the end of the selection at `path`.

    The same that sampling measured (`Course.novelty`): of rows that the rules on the bare
    instruction let pass. None where there are too few of them.
    """
    selection = pl.read_parquet(path, columns=["row", "drop_reason"])
    first = [name for step in way_of(recipe).steps[:1] for name, _ in step.rules]
    reason = pl.col("drop_reason")
    seen: list[bool] = []
    for shard in reversed(list(shards)):
        given_up = shard.stage("instruct", ("row", "instruction")).filter(
            pl.col("instruction").is_null()
        )
        asked = selection.filter(
            pl.col("row").is_between(shard.first, shard.end - 1),
            ~reason.is_in(first).fill_null(value=False),
        ).join(given_up, on="row", how="anti")
        seen += (
            asked.sort("row", descending=True)
            .select(~reason.is_in(REPEATS).fill_null(value=False))["drop_reason"]
            .to_list()
        )
        if len(seen) >= NEWEST:
            return sum(seen[:NEWEST]) / NEWEST
    return None


def _labels(shard: Shard, recipe: Recipe, by: str) -> pl.DataFrame:
    """Rows of a shard that have a label: columns `row` and that of the labels, as text."""
    stage = next(
        (one.stage for one in annotations_of(recipe) if by in one.annotator.columns), "instruct"
    )
    rows = shard.stage(stage, ("row", by))
    return rows.with_columns(pl.col(by).cast(pl.String)).drop_nulls(by)


def _most_first(counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
