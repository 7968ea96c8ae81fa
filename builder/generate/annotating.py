"""The stage of an annotator: its worker asked about rows, alone or several at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from builder.annotate.base import FAILED, Needs, Worker
from builder.errors import RowError
from builder.generate.meter import Meter
from builder.generate.record import Row, writable
from builder.recipe.annotators import Annotation

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
        task = asyncio.create_task(self._next())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _next(self) -> None:
        """Take what waits, up to a batch, and hand out what the worker says."""
        await asyncio.sleep(0)  # rows that come in the same turn go together
        size = self._annotation.annotator.batch
        while self._waiting:
            batch, self._waiting = self._waiting[:size], self._waiting[size:]
            if self._waiting and not self._computes:
                self._start()
            await self._say(batch)
            if not self._computes:
                return

    async def _say(self, batch: Sequence[tuple[Row, asyncio.Future[Row]]]) -> None:
        rows = [known for known, _ in batch]
        said, *_ = await asyncio.gather(self._annotate(rows), return_exceptions=True)
        if isinstance(said, RowError):
            said = [{f"{self._annotation.name}{FAILED}": said.message}] * len(rows)
        if isinstance(said, BaseException):
            for _, future in batch:
                if not future.done():
                    future.set_exception(said)
            return
        for (known, future), values in zip(batch, said, strict=True):
            self._meter.row(self._annotation.stage)
            if not future.done():
                future.set_result({"row": known["row"], "uuid": known["uuid"], **_clean(values)})

    async def _annotate(self, rows: Sequence[Row]) -> Sequence[Mapping[str, object]]:
        if not self._computes:
            return await self._worker.annotate(rows)
        with self._meter.computing(self._annotation.stage):
            return await self._worker.annotate(rows)

    async def close(self) -> None:
        """End what runs, and let go of what was loaded."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._worker.close()


def _clean(values: Mapping[str, object]) -> dict[str, object]:
    """Values as a journal can carry them: no halves of surrogate pairs."""
    return {
        name: writable(value) if isinstance(value, str) else value for name, value in values.items()
    }
