"""The funnel: how many rows came in, what took how many of them, and how many stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from builder.recipe.cascade import way_of
from builder.recipe.goal import cut_of
from builder.recipe.schema import Recipe
from builder.run.course import End


@dataclass(frozen=True)
class Funnel:
    """Counts of rows, in the order in which the reasons are tried."""

    rows: int
    """Rows in: those that the release covers."""
    dropped: tuple[tuple[str, int], ...]
    """Reason and number of rows, also where it is 0. They and `kept` add up to `rows`."""
    kept: int
    end: End | None = "target"
    """Why there are no more rows; None: there will be, the run is not done."""
    missing: int = 0
    """Rows that the goal lacks."""
    quotas: Mapping[str, tuple[int, int]] | None = None
    """Label -> rows wanted and rows there."""
    neighbours: Mapping[str, object] | None = None
    """How neighbours were found: rows, exact, recall."""

    def to_json(self) -> dict[str, object]:
        """Return `{"rows": 9, "dropped": [{"reason": "failed", "rows": 1}, ...], "kept": 8}`."""
        steps = [{"reason": reason, "rows": count} for reason, count in self.dropped]
        found: dict[str, object] = {"rows": self.rows, "dropped": steps, "kept": self.kept}
        if self.end not in ("target", None):
            found["end"] = self.end
        if self.quotas is not None:
            found["quotas"] = [
                {"label": label, "wanted": wanted, "kept": kept}
                for label, (wanted, kept) in self.quotas.items()
            ]
        if self.neighbours is not None:
            found["neighbours"] = dict(self.neighbours)
        return found


def reasons_of(recipe: Recipe) -> tuple[str, ...]:
    """Return every drop reason that a recipe can give, in the order of the funnel.

    `failed` stands once, in front: the engine gave the row up, at its instruction or response.
    `longest` is there only where the recipe cuts.
    """
    cut = () if cut_of(recipe) is None else ("longest",)
    return (*way_of(recipe).reasons(), *cut)


def funnel_of(selection: pl.DataFrame, recipe: Recipe) -> Funnel:
    """Count a selection (columns `rows.SELECTION`)."""
    counted = selection["drop_reason"].value_counts()
    counts: Mapping[str | None, int] = dict(counted.iter_rows())
    dropped = tuple((reason, counts.get(reason, 0)) for reason in reasons_of(recipe))
    return Funnel(selection.height, dropped, counts.get(None, 0))
