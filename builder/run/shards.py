"""Shards: fixed ranges of row numbers, each a folder with one pair of files a stage.

    shards/00012/instruct.jsonl    journal of the rows finished so far
    shards/00012/instruct.parquet  the same rows, once the shard is complete

A stage's rows are what its Parquet file and its journal hold together. Both stand at once after
a crash between writing the one and removing the other, and when looser rules send rows of a
complete shard to be answered after all; a row that stands in both is the same row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import polars as pl

from builder.rows import INSTRUCT, RESPOND, Columns
from builder.run.journal import Journal, read_journal
from builder.run.storage import write_parquet

Stage = Literal["instruct", "respond"]

STAGES: Final[dict[Stage, Columns]] = {"instruct": INSTRUCT, "respond": RESPOND}


@dataclass(frozen=True)
class Shard:
    """One range of row numbers, `first <= row < end`, and its folder."""

    folder: Path
    number: int
    first: int
    end: int

    def journal_path(self, stage: Stage) -> Path:
        """Where the rows of an incomplete stage are appended."""
        return self.folder / f"{stage}.jsonl"

    def parquet_path(self, stage: Stage) -> Path:
        """Where the rows of a complete stage stand."""
        return self.folder / f"{stage}.parquet"

    def open_journal(self, stage: Stage) -> Journal:
        """Open a stage for appending; a torn last line is cut off."""
        return Journal(self.journal_path(stage))

    def stage(self, stage: Stage, columns: tuple[str, ...] | None = None) -> pl.DataFrame:
        """Rows that a stage has finished, sorted by row number, each row once.

        `columns`, `row` among them, are those that are needed; None: all.
        """
        schema = dict(STAGES[stage])
        names = columns or tuple(schema)
        rows = pl.DataFrame(read_journal(self.journal_path(stage)), schema=schema).select(names)
        parquet = self.parquet_path(stage)
        if parquet.exists():
            whole = pl.read_parquet(parquet, schema=schema, columns=list(names))
            rows = pl.concat([whole.select(names), rows])
        return rows.unique("row", keep="first").sort("row")

    def rows(self) -> pl.DataFrame:
        """Rows with the columns of all stages, sorted by row number; unanswered ones hold null."""
        answers = self.stage("respond").drop("uuid")
        return self.stage("instruct").join(answers, on="row", how="left", maintain_order="left")

    def complete(self, stage: Stage) -> bool:
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

    def __init__(self, folder: Path, rows_a_shard: int) -> None:
        self.folder = folder
        self.rows_a_shard = rows_a_shard

    def shard(self, number: int) -> Shard:
        """The shard of this number, whether or not it has rows yet."""
        first = number * self.rows_a_shard
        return Shard(self.folder / f"{number:05d}", number, first, first + self.rows_a_shard)

    def of_row(self, row: int) -> Shard:
        """The shard that a row number lies in."""
        return self.shard(row // self.rows_a_shard)

    def __iter__(self) -> Iterator[Shard]:
        """The shards that have a folder, in the order of their rows."""
        numbers = sorted(int(entry.name) for entry in self.folder.glob("[0-9]*") if entry.is_dir())
        return (self.shard(number) for number in numbers)
