"""The embedding engine: texts in, vectors out, through the seam of all engines.

A prompt is a JSON list of texts, the completion one chunk, `answer.packed` vectors. So the pool
needs to know nothing of embeddings: it finds out how much a server bears, asks again what failed
by the type of the error, and counts. What it counts are tokens read, as nothing is generated.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final

import msgspec

from builder.engines.base import Chunk, SamplingParams
from builder.engines.embedding.answer import Vectors, packed
from builder.engines.embedding.probe import EmbeddingInfo, Questions, probe
from builder.engines.embedding.route import Route
from builder.engines.remote.errors import Where, refusal
from builder.engines.remote.http import Answer, Server
from builder.engines.remote.model import open_server
from builder.errors import BrokenStreamError, EngineError, MagpieError, RowError
from builder.recipe.engine_spec import DeadlinesSpec, RemoteEngineSpec

__all__ = ["EmbeddingEngine", "EmbeddingInfo", "connect_embedding"]

PROTOCOL: Final = "text-embeddings-inference or OpenAI-compatible embeddings"

TOO_LONG: Final = b"too large to process"
"""How llama.cpp words it, with a 500, that a text has more tokens than its physical batch (seen
from the server in xllamacpp 2026.10). Asking again would change nothing."""

_PROMPT: Final = msgspec.json.Decoder(list[str])


class EmbeddingEngine:
    """An embedding server as an engine. `info` is what was found about it."""

    def __init__(
        self,
        server: Server,
        where: Where,
        deadlines: DeadlinesSpec,
        info: EmbeddingInfo,
        route: Route,
    ) -> None:
        self.slots = info.slots
        self.info = info
        self._server = server
        self._where = where
        self._deadlines = deadlines
        self._route = route

    async def stream(self, prompt: str, params: SamplingParams) -> AsyncGenerator[Chunk]:  # noqa: ARG002
        """See `Engine.stream`. `params` say nothing to a server that does not sample."""
        texts = _PROMPT.decode(prompt)
        body = self._route.body(texts)
        answer = await self._server.ask(
            "POST", self._route.path, body, seconds=self._deadlines.whole
        )
        if answer.status != 200:
            raise self._refused(answer)
        found = self._route.read(self._where, answer)
        self._check(texts, found)
        yield Chunk(packed(found.vectors), found.tokens or len(texts), "stop")

    async def close(self) -> None:
        """See `Engine.close`."""
        await self._server.close()

    def _refused(self, answer: Answer) -> MagpieError:
        error = refusal(self._where, answer)
        if answer.status == 500 and TOO_LONG in answer.body:
            return RowError(error.message)
        return error

    def _check(self, texts: Sequence[str], found: Vectors) -> None:
        """Raise `BrokenStreamError` for an answer that is not one vector a text, all as wide."""
        if len(found.vectors) != len(texts):
            raise BrokenStreamError(
                f"{self._where.address} sent {len(found.vectors)} vectors for {len(texts)} texts"
            )
        for vector in found.vectors:
            if len(vector) != self.info.width:
                raise BrokenStreamError(
                    f"{self._where.address} sent a vector of {len(vector)} components where its "
                    f"first one had {self.info.width}: has its model changed?"
                )


async def connect_embedding(
    endpoint: str, spec: RemoteEngineSpec, model: str | None = None
) -> EmbeddingEngine:
    """Return an engine for the server at `endpoint`, an address with or without `/v1`.

    `model` is the recipe's name for what it serves; None: what it says itself. Raises
    `EngineError` when it is not there, has no embeddings, serves another model or refuses the key;
    `UsageError` for what is no address or a key that is not set.
    """
    root = endpoint.rstrip("/").removesuffix("/v1")
    server, where = open_server(root, spec, PROTOCOL)
    try:
        info, route = await probe(Questions(server, where, spec.deadlines.first_token), model)
    except (MagpieError, asyncio.CancelledError):  # nobody else knows of the server yet
        await server.close()
        raise
    return EmbeddingEngine(server, where, spec.deadlines, info, route)


def alike(engines: Sequence[EmbeddingEngine]) -> EmbeddingInfo:
    """Return what holds for all: the first one's model and width, the smallest batch's size.

    Raises `EngineError` when their vectors cannot be compared with one another.
    """
    infos = [engine.info for engine in engines]
    shapes = {(info.model, info.revision, info.width) for info in infos}
    if len(shapes) > 1:
        seen = "; ".join(f"{model} of width {width}" for model, _, width in sorted(shapes, key=str))
        raise EngineError(
            f"the embedding servers do not serve the same model: {seen}",
            mend="Name servers of one model and one revision.",
        )
    return min(infos, key=lambda info: info.batch)
