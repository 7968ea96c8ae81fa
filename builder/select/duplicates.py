"""When two instructions are the same: equal after folding of form, case and white space.

Python's own tables are used instead of Polars expressions: they hold the full case folding of
Unicode (Polars can only raise and lower, which makes the Turkish dotless i an i), one row costs
microseconds instead of a query, and a million rows take less time than Polars' `str.normalize`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import polars as pl

from builder.text import folded

KEY_BYTES: Final = 16
"""Bytes of a key. Of 10**9 different instructions two share one with probability 1e-21."""


def instruction_key(instruction: str) -> bytes:
    """Return `KEY_BYTES` bytes that are equal for instructions that fold to the same text."""
    text = folded(instruction).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=KEY_BYTES).digest()


def instruction_keys(instructions: Iterable[str | None]) -> pl.Series:
    """Return the keys of many instructions as a Binary column; null stays null."""
    keys = [None if text is None else instruction_key(text) for text in instructions]
    return pl.Series("key", keys, dtype=pl.Binary)


def first_of_key() -> tuple[pl.Expr, pl.Expr]:
    """Return two expressions: row and uuid of the first row that has a row's key.

    For a frame sorted by row. A row without key gets null from both: a null is nobody's twin.
    """
    named = pl.col("key").is_not_null()
    first_row = pl.when(named).then(pl.col("row").min().over("key")).alias("first_row")
    first_uuid = pl.when(named).then(pl.col("uuid").first().over("key")).alias("first_uuid")
    return first_row, first_uuid
