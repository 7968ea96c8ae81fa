"""Which rows one version has and another lacks, told by the column `uuid` alone.

Parquet is read column by column, over the wire too: of a file of the Hub only its foot and that
column come, some 20 bytes a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from builder.release.push.hub import Hub

IDENTITY: Final = "uuid"


@dataclass(frozen=True)
class Moved:
    """How many rows a version added and removed."""

    added: int
    removed: int


def local_rows(folder: Path, paths: Sequence[str]) -> pl.Series:
    """Return the identities of the rows in Parquet files on this disk."""
    return _joined([pq.read_table(folder / path, columns=[IDENTITY]) for path in paths])


def remote_rows(hub: Hub, repo: str, commit: str, paths: Sequence[str]) -> pl.Series:
    """Return the identities of the rows in Parquet files of a commit. Raises `PublishError`."""
    from huggingface_hub import HfFileSystem

    files = HfFileSystem(token=hub.token or False, endpoint=hub.endpoint, skip_instance_cache=True)

    def column(path: str) -> pa.Table:
        with files.open(f"datasets/{repo}@{commit}/{path}", "rb") as file:
            return pq.read_table(file, columns=[IDENTITY])

    what = f"read the rows' identities in {{}} of {repo}"
    return _joined([hub.ask(what.format(path), partial(column, path)) for path in paths])


def moved(old: pl.Series, new: pl.Series) -> Moved:
    """Compare the rows of two versions."""
    before, after = (rows.rename(IDENTITY).unique().to_frame() for rows in (old, new))
    return Moved(
        added=after.join(before, on=IDENTITY, how="anti").height,
        removed=before.join(after, on=IDENTITY, how="anti").height,
    )


def _joined(tables: Sequence[pa.Table]) -> pl.Series:
    found = [pl.Series(IDENTITY, table.column(IDENTITY)) for table in tables]
    return pl.concat(found) if found else pl.Series(IDENTITY, [], pl.String)
