"""Data sets that a map is to show beside the rows (`plots.compare`), looked at before the work.

A typo should not show at the end of days of sampling. So a recipe's check sees that what lies on
this machine can be read and has a column of instructions, and a build sees the same of what lies
on the Hub before its first row; of a file there it reads some hundred kilobytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builder.annotate.texts.frames import frames_of
from builder.errors import UsageError
from builder.recipe.data_files import data_files, is_here, listed
from builder.recipe.peek import columns_in, first_or_last
from builder.recipe.schema import Recipe
from builder.recipe.validate import Complaint

TURNS: Final = ("conversations", "messages", "data")
TEXTS: Final = ("prompt", "question", "query", "text")
COLUMNS: Final = ("instruction", "input", *TURNS, *TEXTS)
"""Columns that are read, where a data set has them."""

USABLE: Final = frozenset(COLUMNS) - {"input"}
"""Of those, the ones that say what was asked by themselves."""

WITHOUT: Final = "--set plots.compare=[]"
"""What does without all of them."""

_LOOKS: Final = 4
"""Files of a data set on the Hub that are looked into: they are alike."""


@dataclass(frozen=True)
class Found:
    """A data set as it is now. `revision` is its commit, '' for files of this machine."""

    name: str
    revision: str

    def __str__(self) -> str:
        return f"{self.name} at {self.revision[:12]}" if self.revision else self.name


def compared(recipe: Recipe) -> tuple[str, ...]:
    """Return the data sets that the map of a recipe's release shows: none where it has no map."""
    drawn = recipe.plots.map and "embedding" in recipe.annotators
    return recipe.plots.compare if drawn else ()


def check_compared(recipe: Recipe, base: Path) -> Iterator[Complaint]:
    """Find data sets to compare with that are not there, or have no instructions.

    Nothing is fetched: of one on the Hub only the form of its name is seen. `base` is the folder
    that paths start from. Yields path, what was seen, what to write.
    """
    names = compared(recipe)
    for index, name in enumerate(names):
        path = ("plots", "compare") if len(names) == 1 else ("plots", "compare", index)
        try:
            if is_here(name, base):
                _look_here(name, base)
        except UsageError as error:
            yield path, error.message, error.mend


def look_at_compared(recipe: Recipe, base: Path) -> tuple[Found, ...]:
    """Look at all data sets to compare with, those of the Hub too, and return what they are.

    Raises `UsageError` for the first one that cannot be had, or has no column of instructions.
    """
    found = []
    for name in compared(recipe):
        try:
            found.append(Found(name, _look(name, base)))
        except UsageError as error:
            mend = f"{error.mend}; or do without: {WITHOUT}"
            raise UsageError(f"plots.compare: {error.message}", mend=mend) from error
    return tuple(found)


def _look(name: str, base: Path) -> str:
    if is_here(name, base):
        _look_here(name, base)
        return ""
    hub, files = listed(name)
    seen: set[str] = set()
    for file in files[:_LOOKS]:
        columns = columns_in(file, lambda number, file=file: hub.part(file, number))  # type: ignore[misc]
        if columns is None or columns & USABLE:
            return hub.commit
        seen |= columns
    raise _unusable(name, seen)


def _look_here(name: str, base: Path) -> None:
    """Look at files of this machine; one that a look does not settle is read, as a map would."""
    seen: set[str] = set()
    files = data_files(name, base).paths
    for file in files:
        try:
            columns = columns_in(file.name, first_or_last(file))
        except OSError as error:
            said = f"{file} cannot be read: {error.strerror}"
            raise UsageError(said, mend="mend it, or name another data set") from error
        seen |= columns or frozenset()
        if seen & USABLE:
            return
    for frame in frames_of(files, COLUMNS):
        seen |= set(frame.columns)
        if seen & USABLE:
            return
    raise _unusable(name, seen)


def _unusable(name: str, seen: set[str]) -> UsageError:
    return UsageError(
        f"{name} has none of the columns {', '.join(one for one in COLUMNS if one in USABLE)}: "
        f"it has {', '.join(sorted(seen)) or 'no rows'}",
        mend="name a data set of instructions",
    )
