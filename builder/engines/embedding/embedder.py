"""Texts to vectors, through a pool of embedding engines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from builder.engines.base import Completion, SamplingParams
from builder.engines.embedding.answer import unpacked
from builder.engines.embedding.engine import EmbeddingEngine, alike

Complete = Callable[[str, SamplingParams], Awaitable[Completion]]
"""`Pool.complete`."""

NOTHING_TO_SAMPLE: Final = SamplingParams(
    temperature=0.0, top_p=1.0, max_tokens=1, seed=0, whole=True
)


class PooledEmbedder:
    """Embeds texts, as many at once as each request may hold. `model` is what the server serves.

    This is the `Embedder` of annotators.
    """

    def __init__(self, complete: Complete, model: str, batch: int) -> None:
        self.model = model
        self._complete = complete
        self._batch = batch

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text, all of one width. A component may be NaN, as the server said.

        Raises `RowError` when one of the requests is given up: then none of the texts has one.
        """
        parts = [texts[at : at + self._batch] for at in range(0, len(texts), self._batch)]
        found = await asyncio.gather(*map(self._part, parts), return_exceptions=True)
        vectors: list[list[float]] = []
        for one in found:
            if isinstance(one, BaseException):
                raise one
            vectors.extend(one)
        return vectors

    async def _part(self, texts: Sequence[str]) -> list[list[float]]:
        prompt = msgspec.json.encode(list(texts)).decode()
        return unpacked((await self._complete(prompt, NOTHING_TO_SAMPLE)).text)


def pooled(complete: Complete, engines: Sequence[EmbeddingEngine]) -> PooledEmbedder:
    """Return the embedder for a pool over `engines`. Raises `EngineError` if they differ."""
    info = alike(engines)
    name = f"{info.model}@{info.revision}" if info.revision else info.model
    return PooledEmbedder(complete, name, info.batch)
