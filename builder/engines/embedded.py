"""The embedded engine: llama.cpp on this machine, in a child process. See `llama_child`."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, Callable

from builder.engines.base import Chunk, SamplingParams
from builder.engines.constraint import on_one_line, schema_of
from builder.engines.llama_process import (
    DEFAULT_SLOTS,
    LlamaProcess,
    LlamaSettings,
    start_llama,
)
from builder.errors import EngineError, MissingExtraError, RowError, UnavailableError

__all__ = ["DEFAULT_SLOTS", "EmbeddedEngine", "Encode", "LlamaSettings"]

DEATHS = 3
"""Children that may die one after the other before the engine is called unusable."""

Encode = Callable[[str], list[int]]


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
        self.constrained = True
        self._settings = settings
        self._encode = encode
        self._starting = asyncio.Lock()
        self._child: LlamaProcess | None = None
        self._deaths = 0  # of children, one after the other, that never answered
        self._closed = False

    async def stream(self, prompt: str, params: SamplingParams) -> AsyncGenerator[Chunk]:
        """See `Engine.stream`. The completion comes in one chunk, `llama_child` says why.

        Closing the generator drops the completion; the child writes it to its end all the same.
        """
        message = {
            "prompt": self._encode(prompt),
            "max_tokens": params.max_tokens,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "seed": params.seed,
            "stop": list(params.stop),
            "schema": None if params.schema is None else on_one_line(schema_of(params.schema)),
        }
        answer = await (await self._running()).ask(message)
        if "error" in answer:
            raise RowError(f"llama.cpp refused the request ({answer['code']}): {answer['error']}")
        yield Chunk(answer["text"], answer["tokens"], answer["finish_reason"])

    async def token_ids(self, prompt: str) -> list[int] | None:
        """See `TellsTokens`: ids are what the child gets, and it adds none."""
        return self._encode(prompt)

    async def close(self) -> None:
        """See `Engine.close`. Kills the child: what it is writing is not wanted any more."""
        self._closed = True
        async with self._starting:  # a child that is just starting is ended too
            if self._child is not None:
                await self._child.kill()

    async def _running(self) -> LlamaProcess:
        """The child; it is started if none runs."""
        async with self._starting:
            if self._closed:
                raise EngineError("the engine is closed")
            if self._child is None or self._child.ended:
                self._child = await start_llama(self._settings, self._ended)
            return self._child

    def _ended(self, child: LlamaProcess, status: int) -> EngineError | UnavailableError:
        """What those get who wait for a child that is gone."""
        if self._closed:
            return EngineError("the engine was closed")
        self._deaths = 1 if child.answers else self._deaths + 1
        seen = f"llama.cpp's process ended with status {status}"
        if self._deaths < DEATHS:
            return UnavailableError(f"{seen}; it is started anew")
        return EngineError(
            f"{seen}, {self._deaths} times without an answer in between",
            mend=f"Too little memory, or a damaged model file?{self._settings.see_log()}",
        )
