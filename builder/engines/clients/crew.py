"""The processes that speak to the servers of a run, for all of its engines together."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncGenerator

from builder.engines.base import Chunk
from builder.engines.clients.child import Message
from builder.engines.clients.growth import Growth, GrowthRule
from builder.engines.clients.process import ClientProcess, start_process
from builder.errors import EngineError, MagpieError, UnavailableError

DEATHS = 3
"""Processes that may die one after the other without an answer before that is called hopeless."""

WITHOUT = "Do without them: --set engine.client_processes=1"


def spare_cores() -> int:
    """How many processes there may be beside this one: one a core that we may use."""
    here = hasattr(os, "sched_getaffinity")
    return (len(os.sched_getaffinity(0)) if here else os.cpu_count() or 1) - 1


class Crew:
    """Processes that answer requests, fewest in flight first.

    There are `number` of them, from the first request on, and one that dies is replaced. None: at
    first the engines themselves answer, in this process, and `rule` says when processes are
    started. From the first one that is ready on they get all new requests, since this process has
    the rows to look after; what is in flight stays where it is. One that cannot start or that
    dies is no error, but the last one: `note` says what happened, and the others go on, or else
    this process again.
    """

    def __init__(self, number: int | None = None, rule: GrowthRule | None = None) -> None:
        self.note = ""
        self._number = number
        self._rule = rule or GrowthRule(most=spare_cores())
        self._settings: dict[int, Message] = {}
        self._joined = 0
        self._processes: list[ClientProcess] = []
        self._starting = asyncio.Lock()
        self._deaths = 0
        self._watch: asyncio.Task[None] | None = None
        # Weak: a stream is over when nobody holds it, and counting costs nothing a token.
        self._streams: weakref.WeakSet[AsyncGenerator[Chunk]] = weakref.WeakSet()

    @property
    def needless(self) -> bool:
        """Whether it can never have a process."""
        return self._number == 1 or (self._number is None and self._rule.most < 1)

    @property
    def running(self) -> list[ClientProcess]:
        """The processes that take requests."""
        return [process for process in self._processes if process.ended is None]

    @property
    def here(self) -> bool:
        """Whether engines answer themselves, in this process."""
        return self._number is None and not self.running

    def join(self, settings: Message) -> int:
        """Take an engine in, as `child` needs to know it. Returns its number."""
        self._joined += 1
        self._settings[self._joined] = settings
        if self._number is None and self._watch is None:
            self._watch = asyncio.create_task(self._grow())
        return self._joined

    async def leave(self, engine: int) -> None:
        """Let an engine go: its requests end with an `EngineError`. With the last one all end."""
        self._settings.pop(engine, None)
        if not self._settings and self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        async with self._starting:
            for process in self._processes:
                process.close(engine)
            if not self._settings:
                await asyncio.gather(*(process.kill() for process in self._processes))
                self._processes.clear()

    def count(self, stream: AsyncGenerator[Chunk]) -> AsyncGenerator[Chunk]:
        """Return a stream of this process, which is in flight as long as somebody holds it."""
        self._streams.add(stream)
        return stream

    async def ask(self, engine: int, message: Message) -> Message:
        """Have a request answered by a process. Raises what `ClientProcess.ask` raises."""
        async with self._starting:
            if engine not in self._settings:
                raise EngineError("the engine is closed")
            await self._fill()
            running = self.running
            if not running:
                raise UnavailableError("the client processes have just ended")
            process = min(running, key=lambda one: one.in_flight)
            process.open(engine, self._settings[engine])
        return await process.ask(engine, message)

    async def _fill(self) -> None:
        """Start those that are missing of a fixed number."""
        for process in self._processes if self._number else ():
            if process.ended is not None:
                self._count_death(process)
        if self._number:
            self._processes = self.running
        try:
            while len(self._processes) < (self._number or 0):
                self._processes.append(await start_process())
        except OSError as error:
            raise EngineError(f"no client process can be started: {error}", mend=WITHOUT) from error

    def _count_death(self, process: ClientProcess) -> None:
        self._deaths = 1 if process.answers else self._deaths + 1
        if self._deaths >= DEATHS:
            raise EngineError(
                f"client processes end with status {process.ended}, {self._deaths} times without "
                "an answer in between",
                mend=WITHOUT,
            )

    async def _grow(self) -> None:
        """Start a process whenever the load says so, until one fails."""
        growth = Growth(self._rule)
        try:
            while not growth.full:
                await asyncio.sleep(self._rule.every)
                await asyncio.gather(*(process.ping() for process in self._processes))
                in_flight = any(process.in_flight for process in self._processes)
                if growth.look(busy=in_flight or len(self._streams) > 0):
                    process = await self._started()
                    self._processes.append(process)
                    growth.joined(process.cpu)
        except (MagpieError, OSError) as error:
            self.note = f"no more client processes: {error}"

    async def _started(self) -> ClientProcess:
        """A process that has all engines and waits for requests. Raises what it fails with."""
        process = await start_process()
        try:
            for engine, settings in self._settings.items():
                process.open(engine, settings)
            await process.ping()
        except (MagpieError, asyncio.CancelledError):  # nobody else knows of it yet
            await process.kill()
            raise
        return process
