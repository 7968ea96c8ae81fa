"""One client process, seen from its parent. See `child`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from typing import Any, NamedTuple

import msgspec

from builder import errors
from builder.engines.clients.child import LARGEST_LINE, Message
from builder.errors import EngineError, MagpieError, UnavailableError

PING = 0
"""In place of an engine's number, which are above 0."""


class _Waiting(NamedTuple):
    engine: int
    reply: asyncio.Future[Message]


class ClientProcess:
    """A child that runs, and the requests that wait for it.

    `ended` is its exit status, None while it runs.
    """

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.ended: int | None = None
        self.answers = 0
        self._cpu = 0.0
        self._waiting: dict[int, _Waiting] = {}
        self._child = child
        self._asked = 0
        self._opened: set[int] = set()
        self._reader = asyncio.create_task(self._read())

    @property
    def in_flight(self) -> int:
        """How many requests it has not answered yet."""
        return len(self._waiting)

    def open(self, engine: int, settings: Message) -> None:
        """Let it have an engine, if it does not yet."""
        if engine not in self._opened:
            self._opened.add(engine)
            self._send({"engine": engine, "settings": settings})

    def close(self, engine: int) -> None:
        """End the requests of an engine. Who waits for one gets an `EngineError`."""
        for waiting in self._waiting.values():
            if waiting.engine == engine and not waiting.reply.done():
                waiting.reply.set_exception(EngineError("the engine is closed"))
        self._send({"close": engine})

    async def ask(self, engine: int, message: Message) -> Message:
        """Return the reply of an engine. Cancelling this cancels the request at the server too.

        Raises what the engine raised, or `UnavailableError` when the process ends before that.
        """
        if self.ended is not None:
            raise self._gone()
        self._asked += 1
        number = self._asked
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = _Waiting(engine, reply)
        try:
            self._send(message | {"id": number, "engine": engine})
            found = await reply
        except asyncio.CancelledError:
            self._send({"cancel": number})
            raise
        finally:
            self._waiting.pop(number, None)
        if "error" in found:
            raise _error(*found["error"])
        return found

    async def ping(self) -> None:
        """Return once it has read all that it was sent. Raises what its engines fail with."""
        self._cpu = (await self.ask(PING, {}))["cpu"]

    def cpu(self) -> float:
        """CPU time of the thread that does its work, in seconds, as of the last `ping`."""
        return self._cpu

    async def kill(self) -> None:
        """End it now, and wait until it is gone."""
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
            waiting = self._waiting.get(message["id"])
            if waiting is not None and not waiting.reply.done():
                waiting.reply.set_result(message)
        self.ended = await self._child.wait()
        for waiting in self._waiting.values():
            if not waiting.reply.done():
                waiting.reply.set_exception(self._gone())

    def _gone(self) -> UnavailableError:
        return UnavailableError(f"a client process ended with status {self.ended}")


async def start_process() -> ClientProcess:
    """Start a child. Raises `OSError` where the machine cannot.

    In a session of its own it is out of Ctrl-C's reach from its first moment. It ends by itself
    when we do: its stdin does then.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "builder.engines.clients.child",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=LARGEST_LINE,
        start_new_session=True,
    )
    return ClientProcess(child)


def _error(kind: str, message: str, mend: str) -> MagpieError:
    """The error that a child had."""
    found: Any = getattr(errors, kind, EngineError)
    return found(message, mend=mend) if issubclass(found, MagpieError) else EngineError(message)
