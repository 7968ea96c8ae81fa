"""What a recipe wants in the end: rows kept, rows sampled, or rows of every label."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from builder.recipe.annotators import instruction_columns
from builder.recipe.schema import Recipe


@dataclass(frozen=True)
class Goal:
    """The end of a run. `kept` counts rows that pass every rule, before the last cut.

    `quotas` are rows to keep of each label. With `novelty`, a share, the run ends once fewer of
    the newest instructions are new. `available` is how many rows there can be at all.
    """

    kept: int | None = None
    sampled: int | None = None
    quotas: Mapping[str, int] | None = None
    novelty: float | None = None
    available: int | None = None


def goal_of(recipe: Recipe, available: int | None = None) -> Goal:
    """The goal of a recipe that has passed its check.

    `available` is how many rows there can be; None: what the recipe's source was found to have.
    """
    target, source = recipe.target, recipe.source
    if available is None and source is not None and source.found is not None:
        available = source.found.rows
    return Goal(
        kept=None
        if target.kept is None
        else math.ceil(target.kept * Fraction(str(recipe.select.over))),
        sampled=target.sampled,
        quotas=quotas_of(recipe),
        novelty=target.novelty,
        available=available,
    )


def cut_of(recipe: Recipe) -> int | None:
    """How many rows the last cut leaves; None where there is none."""
    if recipe.select.over > 1:
        return recipe.target.kept
    return recipe.select.longest


def quotas_of(recipe: Recipe) -> dict[str, int] | None:
    """Rows to keep of each label; None without quotas.

    Where the recipe names none, `kept` is dealt out evenly; what is left over goes to the labels
    in front.
    """
    target = recipe.target
    if target.by is None:
        return None
    if target.quotas is not None:
        return dict(target.quotas)
    labels = labels_of(recipe) or []
    share, left = divmod(target.kept or 0, max(1, len(labels)))
    dealt = {label: share + (number < left) for number, label in enumerate(labels)}
    return {label: rows for label, rows in dealt.items() if rows}


def labels_of(recipe: Recipe) -> list[str] | None:
    """The labels that the column of the quotas can have; None where it can have any."""
    kind = instruction_columns(recipe).get(recipe.target.by or "")
    return kind.categories.to_list() if isinstance(kind, pl.Enum) else None
