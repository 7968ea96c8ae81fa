"""Rules asked about single rows, many rows a query.

A query costs Polars some 0.3 ms, for one row as for fifty. Rows that are finished in the same
turn of the event loop share one; no row waits for a later one, so when few rows come, each is
judged at once, and when the queries take up the time, more rows come in each turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import polars as pl

from builder.generate.record import Row
from builder.rows import Columns


class Judge:
    """Asks `drop` why a rule drops rows that have these columns."""

    def __init__(self, drop: Callable[[pl.DataFrame], pl.Series], columns: Columns) -> None:
        self._drop = drop
        self._columns = dict(columns)
        self._records: list[Row] = []
        self._verdicts: asyncio.Task[list[str | None]]

    async def drop_reason(self, record: Row) -> str | None:
        """Why the row is dropped; None where it is not. Raises `RecipeError`."""
        if not self._records:
            self._verdicts = asyncio.create_task(self._judge())
        number = len(self._records)
        self._records.append({name: record.get(name) for name in self._columns})
        verdicts = await asyncio.shield(self._verdicts)  # others wait for it too
        return verdicts[number]

    async def _judge(self) -> list[str | None]:
        """Judge all that came in the turn before this task's first one."""
        records, self._records = self._records, []
        return self._drop(pl.DataFrame(records, schema=self._columns)).to_list()
