"""The tgi engine in several processes, where one core is too little for what the servers write.

Each process speaks to the server and hands back whole completions. This one is left with a line for
each, so it has time for the rows. See `client_child`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from builder import errors
from builder.engines.base import Chunk, SamplingParams
from builder.engines.client_child import LARGEST_LINE, Message
from builder.engines.remote import RemoteModel
from builder.engines.tgi import TgiEngine, TgiInfo, connect_tgi
from builder.errors import EngineError, MagpieError, UnavailableError
from builder.recipe.engine_spec import TgiEngineSpec

DEATHS = 3
"""Processes that may die one after the other without an answer before that is called hopeless."""


class ClientProcess:
    """A child that runs, and the requests that wait for it."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.ended: int | None = None
        self.answers = 0
        self.waiting: dict[int, asyncio.Future[Message]] = {}
        self._child = child
        self._asked = 0
        self._reader = asyncio.create_task(self._read())

    async def ask(self, message: Message) -> Message:
        """Return the reply. Cancelling this cancels the request at the server too."""
        if self.ended is not None:
            raise self._gone()
        self._asked += 1
        number = self._asked
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self.waiting[number] = reply
        try:
            self._send(message | {"id": number})
            return await reply
        except asyncio.CancelledError:
            self._send({"cancel": number})
            raise
        finally:
            self.waiting.pop(number, None)

    async def kill(self) -> None:
        """End it now. Who waits gets an `EngineError`."""
        for reply in self.waiting.values():
            if not reply.done():
                reply.set_exception(EngineError("the engine is closed"))
        if self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child.pid, signal.SIGKILL)  # why not child.kill(): `llama_process`
        await self._child.wait()
        await self._reader

    def _send(self, message: Message) -> None:
        assert self._child.stdin is not None
        if self.ended is None:
            self._child.stdin.write(msgspec.json.encode(message) + b"\n")

    async def _read(self) -> None:
        """Hand each reply to whoever waits for it, until the child ends."""
        assert self._child.stdout is not None
        while (line := await self._child.stdout.readline()).endswith(b"\n"):
            self.answers += 1
            message = msgspec.json.decode(line)
            reply = self.waiting.get(message["id"])
            if reply is not None and not reply.done():
                reply.set_result(message)
        self.ended = await self._child.wait()
        for reply in self.waiting.values():
            if not reply.done():
                reply.set_exception(self._gone())

    def _gone(self) -> UnavailableError:
        return UnavailableError(f"a client process ended with status {self.ended}")


class ClientProcesses:
    """A tgi engine whose requests are dealt out to processes, fewest in flight first."""

    def __init__(self, engine: TgiEngine, settings: Message, number: int) -> None:
        self.slots = engine.slots
        self.info: TgiInfo = engine.info
        self._engine = engine
        self._first_line = msgspec.json.encode(settings) + b"\n"
        self._children: list[ClientProcess | None] = [None] * number
        self._starting = asyncio.Lock()
        self._deaths = 0
        self._closed = False

    async def stream(self, prompt: str, params: SamplingParams) -> AsyncGenerator[Chunk]:
        """See `Engine.stream`. The completion comes in one chunk, cut at its stops."""
        child = await self._next()
        reply = await child.ask({"prompt": prompt, "params": dataclasses.asdict(params)})
        if "error" in reply:
            raise _error(*reply["error"])
        yield Chunk(reply["text"], reply["tokens"], reply["finish_reason"])

    async def token_ids(self, prompt: str) -> list[int] | None:
        """See `TellsTokens`."""
        return await self._engine.token_ids(prompt)

    async def close(self) -> None:
        """See `Engine.close`."""
        self._closed = True
        async with self._starting:
            await asyncio.gather(*(child.kill() for child in self._children if child is not None))
        await self._engine.close()

    async def _next(self) -> ClientProcess:
        """The process with the least to do; those that are missing are started."""
        async with self._starting:
            if self._closed:
                raise EngineError("the engine is closed")
            for number, child in enumerate(self._children):
                if child is None or child.ended is not None:
                    self._count_death(child)
                    self._children[number] = await self._start()
            running = [child for child in self._children if child is not None]
            return min(running, key=lambda child: len(child.waiting))

    def _count_death(self, child: ClientProcess | None) -> None:
        if child is None:
            return
        self._deaths = 1 if child.answers else self._deaths + 1
        if self._deaths >= DEATHS:
            raise EngineError(
                f"client processes end with status {child.ended}, {self._deaths} times without an "
                "answer in between",
                mend="Do without them: --set engine.client_processes=1",
            )

    async def _start(self) -> ClientProcess:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "builder.engines.client_child",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            limit=LARGEST_LINE,
        )
        assert child.stdin is not None
        child.stdin.write(self._first_line)
        return ClientProcess(child)


def _error(kind: str, message: str, mend: str) -> MagpieError:
    """The error that a child had."""
    found: Any = getattr(errors, kind, EngineError)
    return found(message, mend=mend) if issubclass(found, MagpieError) else EngineError(message)


async def connect_processes(
    endpoint: str, model: RemoteModel, spec: TgiEngineSpec
) -> TgiEngine | ClientProcesses:
    """Return an engine for the server at `endpoint`, in as many processes as `spec` says.

    None and 1 are this process alone. Raises what `connect_tgi` raises.
    """
    engine = await connect_tgi(endpoint, model, spec)
    number = spec.client_processes or 1
    if number == 1:
        return engine
    settings = {
        "endpoint": endpoint,
        "bos": model.bos,
        "spec": spec.model_dump(mode="json"),
        "info": engine.info.to_json(),
    }
    return ClientProcesses(engine, settings, number)
