"""Rows as one checksum, whoever read them: Polars from Parquet, or `load_dataset`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

BATCH: Final = 10_000
"""Rows that are held in memory at once."""


def digest(tables: Iterable[pa.Table], columns: Sequence[str]) -> str:
    """Return the SHA-256, in hex, of these columns of all rows in their order, as lines of JSON.

    Labels count as their text: `datasets` reads a dictionary as strings.
    """
    found = hashlib.sha256()
    for table in tables:
        frame = pl.DataFrame(pl.from_arrow(table)).select(columns)
        labels = [name for name, kind in frame.schema.items() if kind in (pl.Enum, pl.Categorical)]
        found.update(frame.with_columns(pl.col(labels).cast(pl.String)).write_ndjson().encode())
    return found.hexdigest()


def parquet_tables(files: Iterable[Path]) -> Iterator[pa.Table]:
    """Yield the rows of Parquet files, some at a time."""
    for path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH):
                yield pa.Table.from_batches([batch])
