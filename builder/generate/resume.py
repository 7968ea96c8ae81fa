"""Going on: what the shards of a run hold already, told to the flow that carries it on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

from builder.generate.flow import Flow, Screen
from builder.generate.ledger import Key
from builder.generate.record import Row
from builder.run.shards import Shard, Shards


class Recall:
    """Instructions that an earlier process sampled, by row number.

    Rows that are open are gone through in order, so one shard at a time is held: looser rules may
    send millions of rows to be answered.
    """

    def __init__(self, shards: Shards) -> None:
        self._shards = shards
        self._shard: Shard | None = None
        self._rows: dict[int, Row] = {}

    def __call__(self, row: int) -> Row | None:
        """The instruct record of a row; None where it was never finished."""
        shard = self._shards.of_row(row)
        if shard != self._shard:
            self._shard = shard
            records = shard.stage("instruct").iter_rows(named=True)
            self._rows = {record["row"]: record for record in records}
        return self._rows.get(row)


def resume(flow: Flow, shards: Shards, screen: Screen, key_of: Callable[[str], Key]) -> None:
    """Settle the rows that are finished and queue those that are open, in row order.

    Open are rows that were never asked though later ones were, and rows whose response is
    missing though the rules, as they are now, ask for one. Nothing that is on disk is asked again.
    """
    flow.recall = Recall(shards)
    for shard in shards:
        for record, dropped_before, dropped_after in _judged(shard.rows(), screen):
            row = record["row"]
            assert isinstance(row, int)
            flow.pending.extend(range(flow.next_row, row))
            flow.next_row = row + 1
            key = None if dropped_before else key_of(str(record["instruction"]))
            _settle_or_queue(flow, record, key, dropped=dropped_after)


def _judged(frame: pl.DataFrame, screen: Screen) -> Iterator[tuple[Row, bool, bool]]:
    """Each row, whether a rule on the instruction drops it, and whether one on the response."""
    before = screen.instruction_drop(frame).is_not_null().to_list()
    after = screen.response_drop(frame).is_not_null().to_list()
    return zip(frame.iter_rows(named=True), before, after, strict=True)


def _settle_or_queue(flow: Flow, record: Row, key: Key | None, *, dropped: bool) -> None:
    row = record["row"]
    assert isinstance(row, int)
    first = key is not None and flow.ledger.claim(row, key)
    answered = record["response"] is not None or record["response_error"] is not None
    to_all = flow.respond_to_all and record["instruction"] is not None
    if not answered and (first or to_all):
        flow.pending.append(row)
        return
    flow.ledger.settle(row, key, kept=first and not dropped)
    flow.writer.settle(row)
