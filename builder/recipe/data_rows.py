"""The rows of a data set that exists, one after the other, in the order of its files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from builder.annotate.texts.frames import frames_of


def rows_of(
    files: Sequence[Path], columns: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield rows as column name -> value: Parquet, JSON Lines, JSON, CSV, TSV, plain text.

    The order is that of the files and of the rows in them, so the n-th row is the same each time.
    Some thousand rows are in memory at once; a `.json` that holds one array is read as a whole.
    With `columns`, those of them that a file has. Raises `UsageError` for a file that is no data.
    """
    for frame in frames_of(files, columns):
        yield from frame.iter_rows(named=True)
