"""Rows of data files, batch by batch: Parquet, JSON Lines, JSON, CSV, TSV and plain text.

Kinds are told by suffix, as `datasets` does ("Structure your repository", Hugging Face Datasets
documentation). A plain text is a row a line, in the column `text`, as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from builder.errors import UsageError

BATCH: Final = 2_000
"""Rows of a batch, about: some megabytes of instructions and responses."""


def frames_of(
    files: Sequence[Path], columns: Sequence[str] | None = None
) -> Iterator[pl.DataFrame]:
    """Yield the rows of the files in their order, of each in its order, as frames of `BATCH` rows.

    With `columns`, those of them that a file has. Nothing but a `.json` that holds one array is
    ever in memory as a whole. Raises `UsageError` for a file that is no data of its suffix.
    """
    for file in files:
        try:
            yield from _frames(file, columns)
        except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            raise UsageError(
                f"{file} cannot be read: {said}",
                mend=f"give a file that is what its suffix says, one of {', '.join(READABLE)}",
            ) from error


def readable(name: str) -> bool:
    """Tell whether a file of this name can be read here."""
    return Path(name).suffix.lower() in _SCANS


def _frames(file: Path, columns: Sequence[str] | None) -> Iterator[pl.DataFrame]:
    scan = _SCANS.get(file.suffix.lower())
    if scan is None:
        raise OSError(f'no data are known by the suffix "{file.suffix}"')
    if file.stat().st_size == 0:
        return
    plan = scan(file)
    if columns is not None:
        there = plan.collect_schema().names()
        plan = plan.select([name for name in columns if name in there])
    for frame in plan.collect_batches(chunk_size=BATCH, maintain_order=True):
        yield from frame.iter_slices(BATCH)


def _parquet(file: Path) -> pl.LazyFrame:
    return pl.scan_parquet(file, glob=False)


def _lines(file: Path) -> pl.LazyFrame:
    # Types come from all rows: a column may be null in the first thousand.
    return pl.scan_ndjson(file, infer_schema_length=None)


def _json(file: Path) -> pl.LazyFrame:
    """Many a `.json` holds an object a line, as `datasets` reads and writes it."""
    with file.open("rb") as stream:
        start = stream.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start != b"[":
        return _lines(file)
    return pl.read_json(file, infer_schema_length=None).lazy()


def _csv(file: Path) -> pl.LazyFrame:
    separator = "\t" if file.suffix.lower() == ".tsv" else ","
    return pl.scan_csv(file, separator=separator, infer_schema_length=None, glob=False)


def _text(file: Path) -> pl.LazyFrame:
    return pl.scan_lines(file, name="text")


_SCANS: Final[Mapping[str, Callable[[Path], pl.LazyFrame]]] = {
    ".parquet": _parquet,
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".txt": _text,
}

READABLE: Final = tuple(_SCANS)
"""Suffixes of the files that can be read, the best kind first."""
