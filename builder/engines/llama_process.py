"""One child process of the embedded engine, seen from its parent. See `llama_child`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.errors import EngineError, MagpieError, UnavailableError

DEFAULT_SLOTS = 16
"""In the middle of where throughput is flat: 8 to 32 slots, measured on 2 cores."""

LARGEST_LINE = 64 * 2**20
"""Bytes of one reply; asyncio's own limit, 64 KiB, is shorter than a long completion."""

Message = dict[str, Any]
OnEnd = Callable[["LlamaProcess", int], MagpieError]


@dataclass(frozen=True)
class LlamaSettings:
    """How llama.cpp is started. `context` is in tokens, of one slot; `log` gets its stderr."""

    model: Path
    slots: int = DEFAULT_SLOTS
    context: int = 2048
    threads: int | None = None
    log: Path | None = None

    def message(self) -> bytes:
        """The child's first line. With as many threads as cores llama.cpp sometimes collapses."""
        threads = self.threads or max(1, (os.cpu_count() or 2) - 1)
        settings = {
            "model": str(self.model),
            "slots": self.slots,
            "context": self.context,
            "threads": threads,
        }
        return json.dumps(settings).encode() + b"\n"

    def see_log(self) -> str:
        """Where llama.cpp's own words are, as the end of an error's advice."""
        return f" See {self.log}." if self.log else ""


class LlamaProcess:
    """A child that runs, and the requests that wait for it.

    `on_end` is told once, with this object and the exit status, when the child is gone. What it
    returns is the error that all who still wait get.
    """

    def __init__(self, child: asyncio.subprocess.Process, on_end: OnEnd) -> None:
        self.answers = 0
        self.ended = False
        self._child = child
        self._on_end = on_end
        self._asked = 0
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._reader = asyncio.create_task(self._read())

    async def ask(self, message: Message) -> Message:
        """Return the child's reply. Raises what `on_end` says when it ends before that."""
        if self.ended:
            raise UnavailableError("llama.cpp's process has ended")
        assert self._child.stdin is not None
        self._asked += 1
        number = self._asked
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = reply
        try:
            self._child.stdin.write(json.dumps(message | {"id": number}).encode() + b"\n")
            return await reply  # no drain: the pool bounds what is in the pipe
        finally:
            self._waiting.pop(number, None)

    async def kill(self) -> None:
        """End the child now, and wait until it is gone."""
        await _kill(self._child)
        await self._reader

    async def _read(self) -> None:
        """Hand each reply to whoever waits for it, until the child ends."""
        assert self._child.stdout is not None
        while (line := await self._child.stdout.readline()).endswith(b"\n"):
            self.answers += 1
            answer = json.loads(line)
            waiting = self._waiting.get(answer["id"])
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)
        self.ended = True  # half a line, or none: whoever asks from here on asks another child
        error = self._on_end(self, await self._child.wait())
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(error)


async def start_llama(settings: LlamaSettings, on_end: OnEnd) -> LlamaProcess:
    """Start a child and wait until it serves. Raises `EngineError` when it cannot."""
    with contextlib.ExitStack() as stack:
        stderr = stack.enter_context(settings.log.open("ab")) if settings.log else None
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "builder.engines.llama_child",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr or subprocess.DEVNULL,
            limit=LARGEST_LINE,
        )
    try:
        assert child.stdin is not None
        child.stdin.write(settings.message())
        await _until_ready(child, settings)
    except (MagpieError, asyncio.CancelledError):  # nobody else knows of it yet
        await _kill(child)
        raise
    return LlamaProcess(child, on_end)


async def _until_ready(child: asyncio.subprocess.Process, settings: LlamaSettings) -> None:
    assert child.stdout is not None
    line = await child.stdout.readline()
    whole = line.endswith(b"\n")
    answer = json.loads(line) if whole else {"failed": f"exit status {await child.wait()}"}
    if "failed" in answer:
        raise EngineError(
            f"llama.cpp cannot serve {settings.model}: {answer['failed']}",
            mend="Is it a whole GGUF file of a text model, and does it fit into memory with "
            f"{settings.slots} slots of {settings.context} tokens?{settings.see_log()}",
        )


async def _kill(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            # Not child.kill(): it reaps a child that died this moment, and asyncio, which wants
            # to do that itself, then logs a warning and takes 255 for the status.
            os.kill(child.pid, signal.SIGKILL)
    await child.wait()
