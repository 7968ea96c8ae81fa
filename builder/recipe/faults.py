"""A fault of a recipe: where it is, what was seen there and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from builder.errors import RecipeError

KeyPath = tuple[str | int, ...]
"""Where a value stands in a recipe: `("instruction", "sweep", 1, "top_p")`."""

LONGEST_SHOWN = 60
"""Characters of a value that a message quotes; more would hide the message."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `str()` of it is the line that people read.

    `file` is the recipe as the user named it, or the whole `--set key=value`, which has no line.
    `message` says what was seen; `mend` what to write or do, and may be empty.
    """

    file: str
    line: int | None
    key: str
    message: str
    mend: str = ""
    seen: str = ""
    column: int | None = None

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        what = f"{self.message}; {self.mend}" if self.mend else self.message
        return ": ".join(part for part in (where, self.key, what) if part)


def dotted(path: KeyPath) -> str:
    """Return a path as people write it: `instruction.sweep[1].top_p`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` was most likely meant to be, or None."""
    folded = {name.lower().replace("-", "_"): name for name in sorted(known)}
    close = difflib.get_close_matches(word.lower().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def show(value: object) -> str:
    """Return a value as a message shows it: text in quotes, YAML's words, long text cut."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a section" if value else "an empty section"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, str):
        return f'"{shorten(value)}"'
    return shorten(str(value))


def shorten(text: str) -> str:
    """Return a text on one line, at most `LONGEST_SHOWN` characters of it."""
    line = " ".join(text.split()) if text.strip() else text.replace("\n", "\\n")
    return line if len(line) <= LONGEST_SHOWN else f"{line[: LONGEST_SHOWN - 3]}..."


def in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return the faults by line, those of `--set` last; equal lines keep their order."""
    return tuple(sorted(faults, key=lambda fault: (fault.line is None, fault.line or 0)))


def recipe_error(name: str, faults: Iterable[Fault]) -> RecipeError:
    """Return the error that carries these faults, rendered."""
    lines = tuple(str(fault) for fault in in_order(faults))
    count = "1 fault" if len(lines) == 1 else f"{len(lines)} faults"
    return RecipeError(f"{name}: {count}", faults=lines)
