"""The flow of rows: each goes its own way from instruction to response and waits for nobody.

Rows are started in the order of their numbers, as many at once as the pool takes. What is done
is on disk before it is counted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from builder.generate.instruct import Instruct
from builder.generate.judge import Judge
from builder.generate.ledger import Key, Ledger
from builder.generate.record import Row
from builder.generate.respond import Respond
from builder.run.writer import ShardWriter


class Screen(Protocol):
    """The rules of a recipe, asked about rows while they are sampled. See `builder.select`."""

    def instruction_drop(self, frame: pl.DataFrame) -> pl.Series:
        """Why the rules on the instruction drop each row (columns `rows.INSTRUCT`), or null."""
        ...

    def response_drop(self, frame: pl.DataFrame) -> pl.Series:
        """Why the rules on the response drop each row (columns of both stages), or null."""
        ...


@dataclass(frozen=True)
class Stages:
    """What is done with a row, in this order.

    `key` gives what equal instructions, and only those, have in common.
    """

    instruct: Instruct
    instruction_judge: Judge
    key: Callable[[str], Key]
    respond: Respond
    response_judge: Judge


class _Tasks:
    """Rows under way. `changed` is set when one has ended, or when there is room for more.

    `asyncio.wait` would do, but it visits every task each time that one ends.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._ended: deque[asyncio.Task[None]] = deque()

    def __len__(self) -> int:
        return len(self._open)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Begin to work on a row."""
        task = asyncio.create_task(work)
        self._open.add(task)
        task.add_done_callback(self._end)

    async def settle(self) -> None:
        """Wait for a change. Raises what an ended task has raised."""
        await self.changed.wait()
        self.changed.clear()
        while self._ended:
            task = self._ended.popleft()
            task.result()
            self._open.discard(task)

    async def cancel(self) -> None:
        """End all. Several may have failed: each is asked for it, or asyncio would complain."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._ended.append(task)
        self.changed.set()


class Flow:
    """Carries rows through the stages until the ledger's target is reached.

    `pending` are rows that an earlier process left open; `recall` gives their instruct record, if
    that is there already. New rows begin at `next_row`.
    """

    def __init__(self, ledger: Ledger, writer: ShardWriter, *, respond_to_all: bool) -> None:
        self.ledger = ledger
        self.writer = writer
        self.respond_to_all = respond_to_all
        self.pending: deque[int] = deque()
        self.recall: Callable[[int], Row | None] = lambda row: None  # noqa: ARG005
        self.next_row = 0

    async def run(self, stages: Stages) -> None:
        """Work until the target is reached. Cancelled or failed, it leaves whole journals.

        Raises `StopError` when no request can succeed any more.
        """
        tasks = _Tasks()
        stages.instruct.pool.hungry = tasks.changed.set
        try:
            while not self.ledger.reached:
                self._refill(stages, tasks)
                await tasks.settle()
                self.ledger.check_hope()
        finally:
            await tasks.cancel()

    def _refill(self, stages: Stages, tasks: _Tasks) -> None:
        while len(tasks) < stages.instruct.pool.appetite:
            if self.pending:
                row = self.pending.popleft()
                record = self.recall(row)
            elif self.ledger.wants(self.next_row, len(tasks)):
                row, record = self.next_row, None
                self.next_row += 1
            else:
                break
            tasks.start(self._carry(stages, row, record))

    async def _carry(self, stages: Stages, row: int, record: Row | None) -> None:
        """Carry one row as far as the rules let it come."""
        if record is None:
            record = await stages.instruct.row(row)
            self.writer.append("instruct", row, record)
        key, kept = await self._screen(stages, row, record)
        if kept or (self.respond_to_all and record.get("instruction") is not None):
            answer = await stages.respond.row(record)
            self.writer.append("respond", row, answer)
            kept = kept and await stages.response_judge.drop_reason(record | answer) is None
        self.ledger.settle(row, key, kept=kept)
        self.writer.settle(row)

    async def _screen(self, stages: Stages, row: int, record: Row) -> tuple[Key | None, bool]:
        """Judge an instruction: its key, if it has a claim to one, and whether it goes on."""
        if await stages.instruction_judge.drop_reason(record) is not None:
            return None, False
        key = stages.key(str(record["instruction"]))
        return key, self.ledger.claim(row, key)
