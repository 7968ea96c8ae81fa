"""Whether the disks have room for the rows, the weights and the image."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builder.recipe.schema import Recipe
from builder.server.needs.finding import Finding, size

ROOM_A_ROW: Final = 12_000
"""Bytes on disk of one row in shards and release together: some 2 KB of text in a journal, twice
in Parquet, and as much again while a release is written beside the old one."""

TGI_IMAGE_BYTES: Final = 20 * 10**9
"""Room for TGI's CUDA image: some 13 GB unpacked, and its layers as they are fetched."""


@dataclass(frozen=True)
class Wanted:
    """What is to be written: `what` it is, where, and how many bytes."""

    what: str
    place: Path
    needed: int


def rows_wanted(recipe: Recipe, place: Path) -> Wanted:
    """The room that the rows of a recipe take in the folder of its run."""
    rows = recipe.target.sampled or recipe.target.kept or 0
    return Wanted("rows", place, rows * ROOM_A_ROW)


def disk_findings(wanted: Sequence[Wanted]) -> list[Finding]:
    """Judge each disk with all that is to be written on it together."""
    disks: dict[int, list[Wanted]] = {}
    for item in wanted:
        disks.setdefault(_existing(item.place).stat().st_dev, []).append(item)
    return [_disk(items) for items in disks.values()]


def _disk(items: list[Wanted]) -> Finding:
    free = shutil.disk_usage(_existing(items[0].place)).free
    needed = sum(item.needed for item in items)
    parts = [f"{size(item.needed)} for {item.what} in {item.place}" for item in items]
    mend = "Make room, or write elsewhere: " + ", ".join(_ELSEWHERE[item.what] for item in items)
    return Finding(
        "disk",
        fine=free > needed,
        found=f"{size(free)} free, about {size(needed)} needed: {', '.join(parts)}",
        mend="" if free > needed else mend,
    )


_ELSEWHERE: Final = {
    "rows": "`--run DIR`",
    "weights": "HF_HUB_CACHE=DIR",
    "the image": "the data-root of the container engine",
}


def _existing(place: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(path for path in (place, *place.parents) if path.exists())
