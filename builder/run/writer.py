"""Appends finished rows to the journals of their shards, and completes shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from builder.run.journal import Journal
from builder.run.shards import Shard, Shards, journalled


class ShardWriter:
    """The open end of a run: a few shards are open at once, one journal a stage.

    A shard is complete once all its rows are settled; its journals then become Parquet files and
    `on_complete` is told, once.
    """

    def __init__(self, shards: Shards, on_complete: Callable[[Shard], None]) -> None:
        self._shards = shards
        self._on_complete = on_complete
        self._journals: dict[tuple[int, str], Journal] = {}
        self._settled: Counter[int] = Counter()

    def append(self, stage: str, row: int, record: Mapping[str, object]) -> None:
        """Write the record of one row. Raises `StorageError`; nothing is torn then."""
        number = self._shards.number_of(row)
        journal = self._journals.get((number, stage))
        if journal is None:
            journal = self._shards.shard(number).open_journal(stage)
            self._journals[number, stage] = journal
        journal.append(journalled(record))

    def settle(self, row: int) -> None:
        """Count a row for which nothing more is asked, and complete its shard if it was the last.

        Raises `StorageError`; the journals then stay as they are.
        """
        number = self._shards.number_of(row)
        self._settled[number] += 1
        if self._settled[number] == self._shards.rows_a_shard:
            self._complete(self._shards.shard(number))

    def reopen(self, row: int) -> None:
        """Take back that a row is settled: something more is asked for it after all."""
        self._settled[self._shards.number_of(row)] -= 1

    def _complete(self, shard: Shard) -> None:
        news = False
        for stage in self._shards.stages:
            journal = self._journals.pop((shard.number, stage), None)
            if journal is not None:
                journal.close()
            news |= shard.complete(stage)
        if news:
            self._on_complete(shard)

    def close(self) -> None:
        """Close all journals; the disk then holds them."""
        while self._journals:
            _, journal = self._journals.popitem()
            journal.close()
