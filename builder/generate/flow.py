"""The flow of rows: each goes its own way, station by station, and waits for nobody.

Rows are started in the order of their numbers, as many at once as the pools take. What is done
is on disk before it is counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from builder.generate.fate import Fate, Key
from builder.generate.judge import Judge
from builder.generate.ledger import Ledger
from builder.generate.near import NearTwins
from builder.generate.pools import Pools
from builder.generate.record import Row
from builder.generate.tasks import Tasks
from builder.recipe.annotators import done_column
from builder.recipe.cascade import EMBEDDING, Step
from builder.run.writer import ShardWriter
from builder.text import writable


@dataclass(frozen=True)
class Station:
    """A step of the way at work: `do` gives its record of a row, `judge` asks its rules."""

    step: Step
    do: Callable[[Row], Awaitable[Row]]
    judge: Judge


@dataclass(frozen=True)
class Claims:
    """What is decided between rows. `key` gives what equal instructions, and only those, share.

    `near` is None where near twins stay; `by` is the column of the quotas.
    """

    ledger: Ledger
    key: Callable[[str], Key]
    near: NearTwins | None = None
    by: str | None = None

    def decide(self, step: Step, record: Row, fate: Fate) -> None:
        """Decide what a step leaves to decide of a row that its rules let pass."""
        row = record["row"]
        assert isinstance(row, int)
        if step.twins:
            fate.key = self.key(str(record["instruction"]))
            self._claim(row, fate.key)
        fate.fell = fate.dropped = self.fell(row, fate)
        if step.near_twins and not fate.dropped and self.near is not None:
            vector = record[EMBEDDING]
            assert isinstance(vector, bytes)
            fate.near = True
            fate.fell = fate.dropped = not self.near.claim(row, vector)
        if step.quota and not fate.dropped:
            fate.skipped = fate.dropped = self.ledger.full(row, self.label(record))

    def _claim(self, row: int, key: Key) -> None:
        """Claim an instruction. A later row that held it leads no near twins any more."""
        before = self.ledger.holder(key)
        first = self.ledger.claim(row, key)
        if first and before is not None and before != row and self.near is not None:
            self.near.withdraw(before)

    def fell(self, row: int, fate: Fate) -> bool:
        """Whether an earlier row with its instruction, or nearly so, has come in the meantime."""
        if fate.key is None:
            return False
        if self.ledger.holder(fate.key) != row:
            return True
        return fate.near and self.near is not None and not self.near.stands(row)

    def settle(self, record: Row, fate: Fate) -> None:
        """Record that nothing more is asked for a row."""
        row = record["row"]
        assert isinstance(row, int)
        self.ledger.settle(
            row,
            fate.key,
            kept=not fate.dropped,
            label=self.label(record),
            near=self.fell(row, fate),
            skipped=fate.skipped,
        )

    def label(self, record: Row) -> str | None:
        """The label of a row that its quota counts by."""
        value = record.get(self.by) if self.by else None
        if isinstance(value, bool):
            return str(value).lower()  # as Polars writes it
        return None if value is None else str(value)


class Flow:
    """Carries rows along their way until the ledger's goal is reached.

    `pending` are rows that an earlier process left open, `reopened` those of this one that turn
    out to be wanted; `recall` gives what is known of a row already. New rows begin at `next_row`.
    """

    def __init__(self, claims: Claims, writer: ShardWriter, *, respond_to_all: bool) -> None:
        self.claims = claims
        self.ledger = claims.ledger
        self.writer = writer
        self.respond_to_all = respond_to_all
        self.pending: deque[int] = deque()
        self.reopened: deque[int] = deque()
        self.recall: Callable[[int, bool], Row | None] = lambda row, fresh: None  # noqa: ARG005
        self.next_row = 0
        if claims.near is not None:
            claims.near.changed = self._changed

    async def run(self, stations: Sequence[Station], pools: Pools) -> None:
        """Work until the goal is reached. Cancelled or failed, it leaves whole journals.

        Raises `StopError` when no request can succeed any more.
        """
        tasks = Tasks()
        pools.hungry = tasks.changed.set
        try:
            while not self.ledger.reached:
                self._refill(stations, pools, tasks)
                await tasks.settle()
                self.ledger.check_hope()
        finally:
            await tasks.cancel()

    def _refill(self, stations: Sequence[Station], pools: Pools, tasks: Tasks) -> None:
        while self.ledger.reopened:
            row = self.ledger.reopened.pop()
            self.writer.reopen(row)
            self.reopened.append(row)
        while len(tasks) < pools.appetite:
            if self.reopened:
                row = self.reopened.popleft()
                record = self.recall(row, True)
            elif self.pending:
                row = self.pending.popleft()
                record = self.recall(row, False)
            elif self.ledger.wants(self.next_row, len(tasks)):
                row, record = self.next_row, None
                self.next_row += 1
            else:
                break
            tasks.start(self._carry(stations, record or {"row": row}))

    async def _carry(self, stations: Sequence[Station], record: Row) -> None:
        """Carry one row as far as the rules let it come, and settle it."""
        row = record["row"]
        assert isinstance(row, int)
        record, fate = await self._ask(stations, record)
        while fate.fell and not self.claims.fell(row, fate):
            # Whoever it fell to has fallen itself while the row was asked all the same.
            record, fate = await self._ask(stations, record)
        self.claims.settle(record, fate)
        self.writer.settle(row)

    async def _ask(self, stations: Sequence[Station], record: Row) -> tuple[Row, Fate]:
        """Take all steps that a row has still to take; what is known of it then, and its fate."""
        row, fate = record["row"], Fate()
        assert isinstance(row, int)
        for station in stations:
            step = station.step
            if not fate.dropped:
                fate.fell = fate.dropped = self.claims.fell(row, fate)
            if fate.dropped and not self.respond_to_all:
                break
            if not record.get(done_column(step.stage)) and readable(step, record):
                said = _well_said(step, await station.do(record))
                self.writer.append(step.stage, row, said)
                record = record | said | {done_column(step.stage): True}
            if not fate.dropped:
                fate.dropped = await station.judge.drop_reason(record) is not None
                if not fate.dropped:
                    self.claims.decide(step, record, fate)
        return record, fate

    def _changed(self, row: int, stands: bool) -> None:
        """Take in that an earlier row came late, and with it whether `row` is its near twin."""
        if not stands:
            self.ledger.fall(row)
        elif self.ledger.reopen(row):
            self.writer.reopen(row)
            self.reopened.append(row)


def readable(step: Step, record: Row) -> bool:
    """Whether all is there that a step reads. An instruction without text is not answered."""
    return all(record.get(column) is not None for column in step.reads)


def _well_said(step: Step, said: Row) -> Row:
    """The record of a step; a server that refuses a row may give its reason in half characters."""
    why = said.get(step.error)
    return said | {step.error: writable(why)} if isinstance(why, str) else said
