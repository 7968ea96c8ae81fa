"""Which columns a data file has, from its first or last bytes alone.

    .parquet                 the footer, at the end          .csv .tsv     the first line
    .jsonl .ndjson .json     the whole rows at the beginning  .txt          `text`, without a look

What a few bytes do not tell is None: nobody should be refused for a long first row.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import polars as pl

ENOUGH: Final = 1 << 18
"""Bytes of a look: some hundred rows, or the footer of a file of some hundred columns."""

_FOOTER: Final = 8  # its length in 4 bytes, and PAR1, end a Parquet file (parquet.apache.org)

Read = Callable[[int], bytes]
"""At most so many bytes of a file: the first ones, or the last ones where the number is negative.
Fewer come where the file is smaller."""


def columns_in(name: str, read: Read) -> frozenset[str] | None:
    """Return the columns of a file by its name's suffix; None where a look does not tell them.

    A file without rows has none. Raises what `read` raises.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".txt":
        return frozenset({"text"})
    if suffix == ".parquet":
        return _of_footer(read)
    start = read(ENOUGH)
    try:
        return _of_text(suffix, start.decode("utf-8-sig", errors="ignore"), len(start) < ENOUGH)
    except (csv.Error, UnicodeError):
        return None


def first_or_last(file: Path) -> Read:
    """Return what reads a file of this machine. It raises `OSError`."""

    def read(number: int) -> bytes:
        with file.open("rb") as stream:
            if number < 0:
                size = stream.seek(0, io.SEEK_END)
                stream.seek(max(0, size + number))
            return stream.read(abs(number))

    return read


def _of_footer(read: Read) -> frozenset[str] | None:
    end = read(-ENOUGH)
    size = int.from_bytes(end[-_FOOTER:-4], "little") + _FOOTER
    if len(end) == ENOUGH and ENOUGH < size < 1 << 26:
        end = read(-size)
    try:
        return frozenset(pl.read_parquet_schema(io.BytesIO(end)))
    except (pl.exceptions.PolarsError, OSError):
        return None


def _of_text(suffix: str, text: str, whole: bool) -> frozenset[str] | None:
    if suffix in (".csv", ".tsv"):
        head = next(csv.reader(io.StringIO(text), delimiter="\t" if suffix == ".tsv" else ","), [])
        return frozenset(head)
    rows = list(_rows(text))
    if not rows and not (whole and not text.strip(" \t\r\n[]")):
        return None
    return frozenset(key for row in rows for key in row)


def _rows(text: str) -> Iterator[dict[str, object]]:
    """Yield the whole JSON objects at the beginning of lines, or of an array of them."""
    decoder, at = json.JSONDecoder(), 0
    while True:
        while at < len(text) and text[at] in " \t\r\n[,":
            at += 1
        try:
            row, at = decoder.raw_decode(text, at)
        except ValueError:
            return
        if isinstance(row, dict):
            yield row
