"""The stage of an annotator: its worker asked about rows, alone or several at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from builder.annotate.base import FAILED, Needs, Worker
from builder.errors import RowError
from builder.generate.meter import Meter
from builder.generate.record import Row
from builder.recipe.annotators import Annotation
from builder.text import writable

COMPUTING = (Needs.NOTHING, Needs.MODEL)
"""Needs of annotators that this machine computes: one batch at a time, or they would only get in
each other's way. Those that come meanwhile make the next one."""


class Annotating:
    """Asks the worker of an annotator. Rows that come at the same time go to it together."""

    def __init__(self, annotation: Annotation, worker: Worker, meter: Meter) -> None:
        self._annotation = annotation
        self._worker = worker
        self._meter = meter
        served = getattr(annotation.options, "endpoint", None)
        self._computes = annotation.annotator.needs in COMPUTING and not served
        self._waiting: list[tuple[Row, asyncio.Future[Row]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def row(self, known: Row) -> Row:
        """Annotate one row: a record with the columns of its stage.

        Where it fails, that is in the record too. Raises `StopError` when nothing can succeed.
        """
        said: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        self._waiting.append((known, said))
        if not (self._computes and self._running):
            self._start()
        return await said

    def _start(self) -> None:
        self._running.add(asyncio.create_task(self._next()))

    async def _next(self) -> None:
        """Take what waits, up to a batch, and hand out what the worker says."""
        task = asyncio.current_task()
        assert task is not None
        size = self._annotation.annotator.batch
        try:
            await asyncio.sleep(0)  # rows that come in the same turn go together
            while self._waiting:
                batch, self._waiting = self._waiting[:size], self._waiting[size:]
                if self._waiting and not self._computes:
                    self._start()
                await self._say(batch)
                if not self._computes:
                    return
        finally:
            self._running.discard(task)  # at once: a row that comes now must find nobody at work

    async def _say(self, batch: Sequence[tuple[Row, asyncio.Future[Row]]]) -> None:
        rows = [known for known, _ in batch]
        said, *_ = await asyncio.gather(self._records(rows), return_exceptions=True)
        if isinstance(said, BaseException):
            for _, future in batch:
                if not future.done():
                    future.set_exception(said)
            return
        for (_, future), record in zip(batch, said, strict=True):
            self._meter.row(self._annotation.stage)
            if not future.done():
                future.set_result(record)

    async def _records(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The records of rows. Raises `StopError`, or what a worker that breaks its word raises."""
        try:
            said = await self._annotate(rows)
        except RowError as error:
            said = [{f"{self._annotation.name}{FAILED}": error.message}] * len(rows)
        return [
            {"row": known["row"], "uuid": known["uuid"], **_clean(values)}
            for known, values in zip(rows, said, strict=True)
        ]

    async def _annotate(self, rows: Sequence[Row]) -> Sequence[Mapping[str, object]]:
        if not self._computes:
            return await self._worker.annotate(rows)
        with self._meter.computing(self._annotation.stage):
            return await self._worker.annotate(rows)

    async def close(self) -> None:
        """End what runs, and let go of what was loaded."""
        running = tuple(self._running)  # they leave it one by one
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._worker.close()


def _clean(values: Mapping[str, object]) -> dict[str, object]:
    """Values as a journal can carry them: no halves of surrogate pairs, in lists neither."""
    return {name: _cleaned(value) for name, value in values.items()}


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return writable(value)
    return [_cleaned(one) for one in value] if isinstance(value, list | tuple) else value
