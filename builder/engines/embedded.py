"""The embedded engine: llama.cpp on this machine, in a child process. See `llama_child`."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.engines.base import Chunk, SamplingParams
from builder.errors import (
    BrokenStreamError,
    EngineError,
    MissingExtraError,
    RowError,
    UnavailableError,
)

DEFAULT_SLOTS = 16
"""In the middle of where throughput is flat: 8 to 32 slots, measured on 2 and 16 cores."""

LARGEST_LINE = 64 * 2**20
"""Bytes of one reply; asyncio's own limit, 64 KiB, is shorter than a long completion."""

DEATHS = 3
"""Children that may die one after the other before the engine is called unusable."""

Encode = Callable[[str], list[int]]


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


class EmbeddedEngine:
    """llama.cpp as an engine. The child starts with the first request, and anew when it died.

    `encode` turns a prompt into token ids, special tokens included. Ids are sent, not text:
    llama.cpp would put a second BOS in front of a text.
    """

    def __init__(self, settings: LlamaSettings, encode: Encode) -> None:
        """Raises `MissingExtraError` without xllamacpp, `EngineError` without the model file."""
        if importlib.util.find_spec("xllamacpp") is None:
            raise MissingExtraError(
                "the embedded engine needs the package xllamacpp, which is not installed",
                mend="Run: pip install 'magpie-builder[embedded]'",
            )
        if not settings.model.is_file():
            raise EngineError(
                f"there is no model file {settings.model}",
                mend="Put a GGUF file there, or name one: --set engine.model_file=PATH",
            )
        self.slots = settings.slots
        self._settings = settings
        self._encode = encode
        self._starting = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._asked = 0
        self._deaths = 0  # of children, since one of them last answered

    async def stream(self, prompt: str, params: SamplingParams) -> AsyncGenerator[Chunk]:
        """See `Engine.stream`. The completion comes in one chunk, `llama_child` says why."""
        stdin = await self._stdin()
        self._asked += 1
        number = self._asked
        reply = self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {
            "id": number,
            "prompt": self._encode(prompt),
            "max_tokens": params.max_tokens,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "seed": params.seed,
            "stop": list(params.stop),
        }
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            await stdin.drain()
            answer = await reply
        except ConnectionError as error:
            raise BrokenStreamError("llama.cpp's process ended") from error
        finally:
            self._waiting.pop(number, None)
        if "error" in answer:
            raise RowError(f"llama.cpp refused the request ({answer['code']}): {answer['error']}")
        yield Chunk(answer["text"], answer["tokens"], answer["finish_reason"])

    async def close(self) -> None:
        """See `Engine.close`. Kills the child: what it is writing is not wanted any more."""
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        if self._reader is not None:
            await self._reader

    async def _stdin(self) -> asyncio.StreamWriter:
        """Where requests are written; the child is started if none runs."""
        async with self._starting:
            if self._child is None:
                self._child = await self._start()
            assert self._child.stdin is not None
            return self._child.stdin

    async def _start(self) -> asyncio.subprocess.Process:
        log = self._settings.log
        with contextlib.ExitStack() as stack:
            stderr = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "builder.engines.llama_child",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                limit=LARGEST_LINE,
            )
        assert child.stdin is not None
        child.stdin.write(self._settings.message())
        await self._until_ready(child)
        self._reader = asyncio.create_task(self._read(child))
        return child

    async def _until_ready(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        line = await child.stdout.readline()
        answer = json.loads(line) if line else {"failed": f"exit status {await child.wait()}"}
        if "failed" in answer:
            await child.wait()
            raise EngineError(
                f"llama.cpp cannot serve {self._settings.model}: {answer['failed']}",
                mend="Is it a whole GGUF file of a text model, and does it fit into memory with "
                f"{self.slots} slots of {self._settings.context} tokens?{self._see_log()}",
            )

    async def _read(self, child: asyncio.subprocess.Process) -> None:
        """Hand each reply to whoever waits for it, until the child ends."""
        assert child.stdout is not None
        while line := await child.stdout.readline():
            self._deaths = 0
            answer = json.loads(line)
            waiting = self._waiting.get(answer["id"])
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)
        if self._child is child:  # it ended by itself: the next request starts another
            self._child = None
            self._deaths += 1
        error = self._death(await child.wait())
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(error)

    def _death(self, status: int) -> EngineError | UnavailableError:
        seen = f"llama.cpp's process ended with status {status}"
        if self._deaths < DEATHS:
            return UnavailableError(f"{seen}; it is started anew")
        return EngineError(
            f"{seen}, {self._deaths} times without an answer in between",
            mend=f"Too little memory, or a damaged model file?{self._see_log()}",
        )

    def _see_log(self) -> str:
        return f" See {self._settings.log}." if self._settings.log else ""
