"""Going on: what the shards of a run hold already, told to the flow that carries it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import polars as pl

from builder.generate.fate import Fate
from builder.generate.flow import Claims, Flow, readable
from builder.generate.record import Row
from builder.recipe.annotators import done_column
from builder.recipe.cascade import EMBEDDING, Step, Way
from builder.run.shards import Shard, Shards


class StepScreen(Protocol):
    """The rules of one step, asked about many rows. See `builder.select.rules.Stage`."""

    def drop(self, frame: pl.DataFrame) -> pl.Series:
        """Why each row goes no further, or null."""
        ...


class Screen(Protocol):
    """The rules of a recipe, step by step of the way of its rows. See `builder.select.rules`."""

    @property
    def way(self) -> Way:
        """The way of a row."""
        ...

    @property
    def steps(self) -> Sequence[StepScreen]:
        """What is asked after each step of it."""
        ...


class Recall:
    """What is on disk of rows, by row number.

    Rows that are open are gone through in order, so one shard at a time is held: looser rules may
    send millions of rows to be answered.
    """

    def __init__(self, shards: Shards) -> None:
        self._shards = shards
        self._shard: Shard | None = None
        self._rows: dict[int, Row] = {}

    def __call__(self, row: int, fresh: bool) -> Row | None:
        """What all stages wrote of a row; None where its instruction was never finished.

        `fresh`: this process may have written some of it.
        """
        shard = self._shards.of_row(row)
        if shard != self._shard or fresh:
            self._shard = shard
            self._rows = {
                record["row"]: record for record in shard.rows(flags=True).iter_rows(named=True)
            }
        return self._rows.get(row)


def resume(flow: Flow, shards: Shards, screen: Screen) -> None:
    """Settle the rows that are finished and queue those that are open, in row order.

    Open are rows that were never asked though later ones were, and rows that lack a judgement or
    a response though the rules, as they are now, ask for one. Nothing that is on disk is asked
    again.
    """
    flow.recall = Recall(shards)
    without = () if flow.claims.near is not None else (EMBEDDING,)
    for shard in shards:
        rows = shard.rows(without, flags=True)
        drops = [step.drop(rows).to_list() for step in screen.steps]
        for record, *reasons in zip(rows.iter_rows(named=True), *drops, strict=True):
            row = record["row"]
            flow.pending.extend(range(flow.next_row, row))
            flow.next_row = row + 1
            fate = _fate(flow.claims, screen.way, record, reasons, flow.respond_to_all)
            if fate is None:
                flow.pending.append(row)
                continue
            flow.claims.settle(record, fate)
            flow.writer.settle(row)


def _fate(
    claims: Claims, way: Way, record: Row, reasons: Sequence[str | None], to_all: bool
) -> Fate | None:
    """What became of a row; None where more is to be asked for it."""
    fate = Fate()
    for step, reason in zip(way.steps, reasons, strict=True):
        if fate.dropped and not to_all:
            break
        if not record[done_column(step.stage)] and _to_do(step, record):
            return None
        if not fate.dropped:
            fate.dropped = reason is not None
            if not fate.dropped:
                claims.decide(step, record, fate)
    return fate


def _to_do(step: Step, record: Row) -> bool:
    """Whether a step has all that it reads; vectors are not looked at here."""
    there = {**record, EMBEDDING: record.get(EMBEDDING, b"")}
    return readable(step, there)
