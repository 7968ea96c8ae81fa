"""Instructions of other data sets, for the map: the first user's words of each row.

instruction (and input)    Alpaca and its kin, the published Magpie sets
conversations, messages    both turns, as the published sets and ours have them
data                       UltraChat: a list of texts, the user's first
prompt, question, query, text
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from builder.errors import UsageError
from builder.neighbours.vectors import matrix
from builder.recipe.compared import COLUMNS, TEXTS, TURNS, WITHOUT
from builder.recipe.data_files import DataFiles, data_files
from builder.recipe.data_rows import rows_of
from builder.release.plots.embedded import Embedding, embedded
from builder.release.plots.points import Placed
from builder.release.recipe_text import compared_name
from builder.text import writable

_SAID: Final = ("content", "value", "text")


def instruction_of(row: Mapping[str, Any]) -> str:
    """Return what the user asked first in a row; empty where nothing is known of that."""
    asked, more = row.get("instruction"), row.get("input")
    if isinstance(asked, str):
        return f"{asked}\n\n{more}" if isinstance(more, str) and more else asked
    for column in TURNS:
        if row.get(column):
            return _first(row[column])
    found = (row[column] for column in TEXTS if isinstance(row.get(column), str))
    return next(found, "")


def _first(turns: Any) -> str:
    """The first turn that no system speaks."""
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, str):
            return turn
        if isinstance(turn, dict) and "system" not in (turn.get("role"), turn.get("from")):
            return next((turn[key] for key in _SAID if isinstance(turn.get(key), str)), "")
    return ""


def other_set(
    name: str,
    base: Path,
    how: Embedding,
    most: int,
    tell: Callable[[str], None] = lambda _: None,
) -> Placed:
    """Read a data set, and give vectors to at most so many of its instructions.

    Those with the smallest hashes are taken, each once, so the sample is fixed and spread over all
    of it. `tell` hears what takes time. Raises `UsageError` where the data set cannot be read or
    has no instructions, and what `embedded` raises.
    """
    shown = compared_name(name)
    tell(f"reading {shown}, for the map")
    try:
        files = data_files(name, base)
        texts, rows = _sampled(files, most)
    except UsageError as error:
        raise UsageError(f"plots.compare: {error.message}", mend=_MEND) from error
    if not texts:
        raise UsageError(
            f"plots.compare: {name} has no instructions in {', '.join(COLUMNS)}", mend=_MEND
        )

    def done(number: int) -> None:
        tell(f"embedding {shown}, for the map: {number:,} of {len(texts):,}")

    known = [(text, one) for text, one in embedded(texts, how, done).items() if one]
    vectors = matrix(pl.Series([vector for _, vector in known], dtype=pl.Binary))
    return Placed(shown, tuple(text for text, _ in known), vectors, rows, files.revision)


_MEND: Final = f"Name another data set, or leave it out: {WITHOUT}"


def _sampled(files: DataFiles, most: int) -> tuple[list[str], int]:
    """The texts of a sample, by hash, and how many rows have one."""
    rows = 0
    taken: set[int] = set()
    heap: list[tuple[int, str]] = []  # the largest hash on top
    for row in rows_of(files.paths, COLUMNS):
        text = writable(instruction_of(row))
        if not text.strip():
            continue
        rows += 1
        place = -int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        if place in taken or (len(heap) == most and place < heap[0][0]):
            continue
        taken.add(place)
        heapq.heappush(heap, (place, text))
        if len(heap) > most:
            taken.remove(heapq.heappop(heap)[0])
    return [text for _, text in sorted(heap, reverse=True)], rows
