"""Shards: fixed ranges of row numbers, each a folder with one pair of files a stage.

    shards/00012/instruct.jsonl    journal of the rows finished so far
    shards/00012/instruct.parquet  the same rows, once the shard is complete
    shards/00012/quality-1f0c9a2b.jsonl    of an annotator; the digest tells judges apart

A stage's rows are what its Parquet file and its journal hold together. Both stand at once after
a crash between writing the one and removing the other, and when looser rules send rows of a
complete shard to be answered after all; a row that stands in both is the same row.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from builder.rows import INSTRUCT, RESPOND, Columns
from builder.run.journal import Journal, read_journal
from builder.run.storage import write_parquet

Stages = Mapping[str, Columns]
"""Name of each stage -> its columns, `row` and `uuid` among them."""

STAGES: Final[Stages] = {"instruct": INSTRUCT, "respond": RESPOND}
"""The stages of a run without annotators."""


def journalled(record: Mapping[str, object]) -> dict[str, object]:
    """The record as JSON can carry it: bytes become base64."""
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in record.items()
    }


@dataclass(frozen=True)
class Shard:
    """One range of row numbers, `first <= row < end`, and its folder."""

    folder: Path
    number: int
    first: int
    end: int
    stages: Stages = field(default_factory=lambda: STAGES, repr=False, compare=False)

    def journal_path(self, stage: str) -> Path:
        """Where the rows of an incomplete stage are appended."""
        return self.folder / f"{stage}.jsonl"

    def parquet_path(self, stage: str) -> Path:
        """Where the rows of a complete stage stand."""
        return self.folder / f"{stage}.parquet"

    def open_journal(self, stage: str) -> Journal:
        """Open a stage for appending; a torn last line is cut off."""
        return Journal(self.journal_path(stage))

    def stage(self, stage: str, columns: tuple[str, ...] | None = None) -> pl.DataFrame:
        """Rows that a stage has finished, sorted by row number, each row once.

        `columns`, `row` among them, are those that are needed; None: all.
        """
        schema = dict(self.stages[stage])
        names = columns or tuple(schema)
        binary = [name for name, kind in schema.items() if kind == pl.Binary]
        written = schema | {name: pl.String() for name in binary}
        rows = pl.DataFrame(read_journal(self.journal_path(stage)), schema=written)
        rows = rows.with_columns(pl.col(binary).str.decode("base64")).select(names)
        parquet = self.parquet_path(stage)
        if parquet.exists():
            whole = pl.read_parquet(parquet, schema=schema, columns=list(names))
            rows = pl.concat([whole.select(names), rows])
        return rows.unique("row", keep="first").sort("row")

    def rows(self, without: tuple[str, ...] = (), *, flags: bool = False) -> pl.DataFrame:
        """Rows with the columns of all stages, sorted by row number; missing ones hold null.

        Columns `without` are left out: vectors are large. With `flags`, columns `STAGE done` say
        which stages have written a row.
        """
        rows = self.stage("instruct").drop(without, strict=False)
        done = [pl.lit(True).alias("instruct done")]
        for stage, schema in self.stages.items():
            if stage == "instruct":
                continue
            names = tuple(name for name in schema if name not in ("uuid", *without))
            found = self.stage(stage, names).with_columns(pl.lit(True).alias(f"{stage} done"))
            rows = rows.join(found, on="row", how="left", maintain_order="left")
            done.append(pl.col(f"{stage} done").fill_null(value=False))
        rows = rows.with_columns(done)
        return rows if flags else rows.drop(pl.selectors.ends_with(" done"))

    def complete(self, stage: str) -> bool:
        """Turn the journal of a finished stage into its Parquet file; False: that was done before.

        Raises `StorageError`.
        """
        journal = self.journal_path(stage)
        if not journal.exists():
            return False
        write_parquet(self.parquet_path(stage), self.stage(stage))
        journal.unlink()
        return True


class Shards:
    """All shards of a run."""

    def __init__(self, folder: Path, rows_a_shard: int, stages: Stages = STAGES) -> None:
        self.folder = folder
        self.rows_a_shard = rows_a_shard
        self.stages = stages

    def shard(self, number: int) -> Shard:
        """The shard of this number, whether or not it has rows yet."""
        first = number * self.rows_a_shard
        folder = self.folder / f"{number:05d}"
        return Shard(folder, number, first, first + self.rows_a_shard, self.stages)

    def number_of(self, row: int) -> int:
        """The number of the shard that a row number lies in."""
        return row // self.rows_a_shard

    def of_row(self, row: int) -> Shard:
        """The shard that a row number lies in."""
        return self.shard(self.number_of(row))

    def __iter__(self) -> Iterator[Shard]:
        """The shards that have a folder, in the order of their rows."""
        numbers = sorted(int(entry.name) for entry in self.folder.glob("[0-9]*") if entry.is_dir())
        return (self.shard(number) for number in numbers)
