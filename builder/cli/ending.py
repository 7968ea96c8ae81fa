"""Why a run ended, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from builder.cli.tables import count, plain_table
from builder.recipe.schema import Recipe, Target
from builder.run.course import NEWEST, PATIENCE
from builder.run.directory import RunDirectory
from builder.select.funnel import Funnel
from builder.select.shortfall import Shortfall, novelty, shortfalls


@dataclass(frozen=True)
class Ending:
    """How a run ended: its funnel's `end`, with what explains it.

    `novelty` is the share of the newest instructions that were new, where that ended the run.
    """

    funnel: Funnel
    target: Target
    short: tuple[Shortfall, ...] = ()
    novelty: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return `{"reason": "unmet", "missing": 18, "novelty": None, "short": [...]}`.

        `reason` is null where the run is not done: there are too few rows, and more can come.
        """
        return {
            "reason": self.funnel.end,
            "missing": self.funnel.missing,
            "novelty": self.novelty,
            "short": [one.to_json() for one in self.short],
        }


def ending_of(funnel: Funnel, run: RunDirectory) -> Ending:
    """Find out why a run ended as its last selection says. Texts are not read."""
    record = run.record()
    recipe, shards = Recipe.model_validate(record.recipe), run.shards(record)
    saturated, unmet = funnel.end == "saturated", funnel.end != "target" and funnel.quotas
    return Ending(
        funnel,
        recipe.target,
        shortfalls(shards, recipe, run.selection_path) if unmet else (),
        novelty(shards, recipe, run.selection_path) if saturated else None,
    )


def ending_words(ending: Ending) -> Iterator[str]:
    """Say why the run stopped before its target, a sentence a line; nothing where it did not."""
    end, funnel = ending.funnel.end, ending.funnel
    if end == "target":
        return
    if end == "saturated" and ending.novelty is not None:
        yield (
            f"Stopped before the target: of the newest {count(NEWEST)} instructions only "
            f"{_percent(ending.novelty)} were new (target.novelty is "
            f"{_percent(ending.target.novelty or 0)})."
        )
    elif end == "exhausted":
        yield f"Stopped before the target: the data set has no more than {count(funnel.rows)} rows."
    elif end == "unmet":
        yield (
            f"Stopped before the target: the last {count(PATIENCE)} rows brought nothing to any "
            "quota that is open."
        )
    elif end is None:
        yield "The target is not reached yet: `magpie build` goes on."
    if ending.short:
        yield from (_short(one, funnel.rows) for one in ending.short)
    elif funnel.missing:
        yield f"Rows that are missing: {count(funnel.missing)}."


def quota_table(quotas: Mapping[str, tuple[int, int]]) -> Table:
    """Rows wanted and rows kept of each label."""
    table = plain_table("quota", "#wanted", "#kept")
    for label, (wanted, kept) in quotas.items():
        table.add_row(Text(label), count(wanted), count(kept))
    return table


def _short(one: Shortfall, rows: int) -> str:
    start = f"Quota not met: {one.label} {count(one.kept)} of {count(one.wanted)}; "
    if not one.rows:
        return f"{start}none of {count(rows)} rows was given this label."
    found = f"{start}{count(one.rows)} of {count(rows)} rows were given this label"
    if not one.dropped:
        return f"{found}, and none of these was dropped."
    most = (f"`{reason}` {count(number)}" for reason, number in one.dropped[:3])
    return f"{found}; dropped by {', '.join(most)}."


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
