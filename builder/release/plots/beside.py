"""What a map shows beside the run's own rows: other runs, then other data sets.

A release is made of days of work, so none is refused for a picture: what cannot be shown is left
out, and a note says why and how to get it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from builder.errors import EngineError, MagpieError, MissingExtraError, RunError, UsageError
from builder.recipe.schema import Recipe
from builder.release.layout import split_of
from builder.release.plots.embedded import Embedding
from builder.release.plots.others import other_set
from builder.release.plots.points import POINTS, Placed
from builder.release.plots.runs import find_run, other_run

_LEAVES_OUT: Final = (UsageError, EngineError, MissingExtraError, RunError)


@dataclass(frozen=True)
class Wanted:
    """What is to be shown, as far as it was found: runs by name, data sets, notes of the others."""

    runs: tuple[tuple[str, Path], ...]
    sets: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def most(self) -> int:
        """Points of each of them, and of the run itself, at most."""
        return POINTS // (1 + len(self.runs) + len(self.sets))


def wanted(recipe: Recipe, own: Path, base: Path) -> Wanted:
    """Find what a recipe's map shows beside the run in the directory `own`."""
    runs, notes = [], []
    for name in recipe.plots.runs:
        try:
            runs.append((name, find_run(name, own, base)))
        except RunError as error:
            notes.append(_left_out(name, error, own))
    return Wanted(tuple(runs), recipe.plots.compare, tuple(notes))


def placed(
    asked: Wanted, recipe: Recipe, how: Embedding, own: Path, tell: Callable[[str], None]
) -> tuple[list[Placed], list[str]]:
    """Return what can be shown, each under a name of its own, and notes of what cannot.

    `how` gives vectors to data sets, and names the model of the run's own. Raises `StorageError`.
    """
    found, notes = [], []
    ways: list[tuple[str, Callable[[], Placed]]] = [
        (name, lambda name=name, run=run: other_run(name, run, asked.most, str(how.model)))  # type: ignore[misc]
        for name, run in asked.runs
    ]
    ways += [
        (name, lambda name=name: other_set(name, how.base, how, asked.most, tell))  # type: ignore[misc]
        for name in asked.sets
    ]
    for name, get in ways:
        try:
            found.append(get())
        except _LEAVES_OUT as error:
            notes.append(_left_out(name, error, own))
    if how.kept is not None and not asked.sets:
        how.kept.unlink(missing_ok=True)
    return _distinct(found, split_of(recipe)), notes


def _left_out(name: str, error: MagpieError, own: Path) -> str:
    said = error.message.removeprefix("plots.compare: ")
    mend = f" {error.mend.rstrip('.')}." if error.mend else ""
    return f"The map does not show {name}: {said}.{mend} Once that is mended: `magpie filter {own}`"


def _distinct(found: Sequence[Placed], split: str) -> list[Placed]:
    """The same, none with the name of another one or of the release's own split."""
    names = {split}
    renamed = []
    for one in found:
        name, number = one.name, 1
        while name in names:
            number += 1
            name = f"{one.name} ({number})"
        names.add(name)
        renamed.append(replace(one, name=name))
    return renamed
