"""Rows that the card shows: chosen by lot, by a rule that anybody can check.

The lot of a row is the SHA-256 of "<seed of the recipe>:<uuid>"; the rows with the smallest lots
are shown, in that order. Nobody picks them, and the same rows give the same samples.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import polars as pl

SAMPLES: Final = 4
"""Rows that are shown."""

SHOWN: Final = 700
"""Characters of an instruction or a response that are shown: a phone's screen or two."""

_BESIDE: Final = (
    "task_category",
    "difficulty",
    "input_quality",
    "language",
    "instruct_reward",
)
"""Columns of one value that a reader of a sample wants to know, where the release has them."""


def samples(files: list[Path], seed: int) -> list[dict[str, Any]]:
    """Return the samples of these Parquet files.

    `[{"row": 7, "uuid": "..", "instruction": {"text": "..", "more": 0}, "response": {..},
    "beside": [{"column": "difficulty", "value": "easy"}]}, ...]`; `more` are the characters that
    are not shown.
    """
    rows = pl.scan_parquet(files)
    uuids = rows.select("uuid").collect()["uuid"]
    drawn = heapq.nsmallest(SAMPLES, uuids, key=lambda uuid: _lot(seed, uuid))
    there = [name for name in _BESIDE if name in rows.collect_schema().names()]
    wanted = ("instruction", "response")
    found = (
        rows.filter(pl.col("uuid").is_in(drawn))
        .select(
            "row",
            "uuid",
            *(pl.col(name).str.slice(0, SHOWN) for name in wanted),
            *(pl.col(name).str.len_chars().alias(f"{name} length") for name in wanted),
            *there,
        )
        .collect()
    )
    ordered = sorted(found.iter_rows(named=True), key=lambda row: drawn.index(row["uuid"]))
    return [_sample(row, there) for row in ordered]


def _lot(seed: int, uuid: str) -> tuple[str, str]:
    return hashlib.sha256(f"{seed}:{uuid}".encode()).hexdigest(), uuid


def _sample(row: dict[str, Any], beside: Iterable[str]) -> dict[str, Any]:
    turns = {
        name: {"text": row[name], "more": row[f"{name} length"] - len(row[name])}
        for name in ("instruction", "response")
    }
    known = [
        {"column": name, "value": _short(row[name])} for name in beside if row[name] is not None
    ]
    return {"row": row["row"], "uuid": row["uuid"], **turns, "beside": known}


def _short(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value
