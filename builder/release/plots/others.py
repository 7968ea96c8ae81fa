"""Instructions of other data sets, for the map: the first user's words of each row.

instruction (and input)    Alpaca and its kin, the published Magpie sets
conversations, messages    both turns, as the published sets and ours have them
data                       UltraChat: a list of texts, the user's first
prompt, question, query, text
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from builder.annotate.embedding import EmbeddingOptions
from builder.errors import UsageError
from builder.neighbours.vectors import matrix
from builder.recipe.data_files import DataFiles, data_files
from builder.recipe.data_rows import rows_of
from builder.release.plots.points import Placed
from builder.release.recipe_text import compared_name
from builder.text import writable

_TURNS: Final = ("conversations", "messages", "data")
_TEXTS: Final = ("prompt", "question", "query", "text")
COLUMNS: Final = ("instruction", "input", *_TURNS, *_TEXTS)
"""Columns that are read, where a data set has them."""

_SAID: Final = ("content", "value", "text")
_BATCH: Final = 256


def instruction_of(row: Mapping[str, Any]) -> str:
    """Return what the user asked first in a row; empty where nothing is known of that."""
    asked, more = row.get("instruction"), row.get("input")
    if isinstance(asked, str):
        return f"{asked}\n\n{more}" if isinstance(more, str) and more else asked
    for column in _TURNS:
        if row.get(column):
            return _first(row[column])
    found = (row[column] for column in _TEXTS if isinstance(row.get(column), str))
    return next(found, "")


def _first(turns: Any) -> str:
    """The first turn that no system speaks."""
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, str):
            return turn
        if isinstance(turn, dict) and "system" not in (turn.get("role"), turn.get("from")):
            return next((turn[key] for key in _SAID if isinstance(turn.get(key), str)), "")
    return ""


def other_set(name: str, base: Path, options: EmbeddingOptions, most: int) -> Placed:
    """Read a data set, and embed at most so many of its instructions with the recipe's backend.

    Those with the smallest hashes are taken, each once, so the sample is fixed and spread over all
    of it. Raises `UsageError` where the data set cannot be read or has no instructions, and what
    the backend raises.
    """
    try:
        files = data_files(name, base)
        texts, rows = _sampled(files, most)
    except UsageError as error:
        raise UsageError(f"plots.compare: {error.message}", mend=_MEND) from error
    if not texts:
        raise UsageError(
            f"plots.compare: {name} has no instructions in {', '.join(COLUMNS)}", mend=_MEND
        )
    packed = asyncio.run(_embedded(texts, base, options))
    known = [(text, vector) for text, vector in zip(texts, packed, strict=True) if vector]
    vectors = matrix(pl.Series([vector for _, vector in known], dtype=pl.Binary))
    return Placed(
        compared_name(name), tuple(text for text, _ in known), vectors, rows, files.revision
    )


_MEND: Final = (
    "Name another data set, or leave it out: --set plots.compare=[]. Then run `magpie build` "
    "again: what was sampled stays."
)


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


async def _embedded(texts: list[str], base: Path, options: EmbeddingOptions) -> list[bytes | None]:
    """The vector of each text as the run stores them; None for one that has no direction."""
    from builder.annotate.vectors.start import start_backend
    from builder.annotate.vectors.worker import EmbeddingWorker

    worker = EmbeddingWorker(start_backend(options.backend, base, options.model, options.revision))
    found: list[bytes | None] = []
    try:
        for start in range(0, len(texts), _BATCH):
            rows = [{"instruction": text} for text in texts[start : start + _BATCH]]
            values = await worker.annotate(rows)
            found += [_vector(one.get("embedding")) for one in values]
    finally:
        await worker.close()
    return found


def _vector(value: object) -> bytes | None:
    return value if isinstance(value, bytes) else None
