"""What the annotators of a recipe did, counted over the rows on their way to the release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from builder.recipe.annotators import Annotation, annotations_of, done_column
from builder.recipe.cascade import Step, way_of
from builder.recipe.schema import Recipe
from builder.release.columns import MODELS
from builder.release.machine import called_column, message_column, without_machine
from builder.release.reach import ended_at

REASONS: Final = 3
"""Reasons for failures that the facts give as examples: the most frequent ones."""

LONGEST: Final = 160
"""Characters of such a reason: more is a reply or a server's page."""


@dataclass
class _Count:
    annotated: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)


class Tally:
    """Counts the rows of a release by what each annotator said of them.

    A row counts once it came as far as the annotator, whether or not it is kept in the end. One
    that was annotated by chance alone (`reach`) does not.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._way = way_of(recipe)
        self._counts = {one.name: _Count() for one in annotations_of(recipe)}

    def add(self, rows: pl.DataFrame) -> None:
        """Count rows with the columns of `Shard.rows`, its flags, and `drop_reason`."""
        if not self._counts:
            return
        rows = rows.with_columns(ended_at(self._way).alias("ended"))
        for number, step in enumerate(self._way.steps):
            if step.annotation is None:
                continue
            asked = rows.filter(pl.col(done_column(step.stage)))
            if self._recipe.respond != "all":
                asked = asked.filter((pl.col("ended") >= number).fill_null(value=True))
            self._count(asked, step, self._counts[step.annotation.name])

    def _count(self, asked: pl.DataFrame, step: Step, count: _Count) -> None:
        why = asked.select(message_column(step.error).str.slice(0, LONGEST)).to_series()
        failed = why.drop_nulls()
        count.failed += failed.len()
        count.annotated += asked.height - failed.len()
        count.reasons.update(failed.to_list())
        for name in step.writes:
            if name.endswith(MODELS):
                named = asked.select(called_column(name)).to_series().drop_nulls()
                count.models.update(dict(named.value_counts().iter_rows()))

    def facts(self, funnel: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what the facts say of each annotator, in the order of the recipe.

        What is known only of the whole set counts its rows by the funnel.
        """
        return list(self._facts(funnel))

    def _facts(self, funnel: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for one in annotations_of(self._recipe):
            count = self._counts[one.name]
            if one.annotator.start is None:
                count = _Count(annotated=funnel.get("neighbours", {"rows": 0})["rows"])
            asked = count.annotated + count.failed
            yield _declared(one) | {
                "models": [{"model": name, "rows": rows} for name, rows in _most(count.models)],
                "annotated": count.annotated,
                "failed": count.failed,
                "failed_share": round(count.failed / asked, 4) if asked else 0.0,
                "reasons": [
                    {"reason": reason, "rows": rows}
                    for reason, rows in _most(count.reasons)[:REASONS]
                ],
            }


def _declared(one: Annotation) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.annotator.version,
        "summary": one.annotator.summary,
        "options": without_machine(one.options.model_dump(mode="json")),
    }


def _most(counter: Counter[str]) -> list[tuple[str, int]]:
    """Return what was counted, the most frequent first, and equal ones by name."""
    return sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
