"""A reward model behind a server, over the seam that all requests of a run go through.

    engine = await connect_scoring("http://localhost:8081", spec)
    pool = Pool(engine, served=Served(("http://localhost:8081",)))
    completion = await pool.complete(scoring_prompt(instruction, response), SCORING)
    score = score_in(completion.text)              # higher is better

So limits, retries, servers that go away and the counting are the pool's, as for any engine.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Final

import msgspec

from builder.engines.base import Chunk, SamplingParams
from builder.engines.openai.trial import Trial
from builder.engines.remote.errors import Where
from builder.engines.remote.http import Server
from builder.engines.remote.model import open_server
from builder.engines.scoring.conversation import Conversation
from builder.engines.scoring.probe import ScoringInfo, probe
from builder.engines.scoring.questions import Questions, Tongue, refused, score_of
from builder.errors import MagpieError
from builder.recipe.engine_spec import OpenAIEngineSpec

__all__ = ["ScoringEngine", "ScoringInfo", "connect_scoring"]

PROTOCOL: Final = "reward model (vLLM, SGLang or text-embeddings-inference)"


class ScoringEngine:
    """A server that scores conversations, as an engine. `info` is what was found about it."""

    def __init__(
        self, server: Server, where: Where, info: ScoringInfo, tongue: Tongue, seconds: float
    ) -> None:
        """`seconds` is how long the server may take for one score."""
        self.slots = info.slots
        self.info = info
        self._server = server
        self._where = where
        self._tongue = tongue
        self._seconds = seconds

    async def stream(
        self,
        prompt: str,
        params: SamplingParams,  # noqa: ARG002
    ) -> AsyncGenerator[Chunk]:
        """See `Engine.stream`: `prompt` is what `scoring_prompt` gives, the answer one number.

        A score that is no finite number is a `RowError`; so is a text that is too long.
        """
        conversation = msgspec.json.decode(prompt, type=Conversation)
        route = self._tongue.route
        body = self._tongue.body(conversation)
        answer = await self._server.ask("POST", route.path, body, seconds=self._seconds)
        if answer.status != 200:
            raise refused(self._where, answer)
        yield Chunk(json.dumps(score_of(answer, route, self._where)), 1, "stop")

    async def close(self) -> None:
        """See `Engine.close`."""
        await self._server.close()


async def connect_scoring(
    endpoint: str, spec: OpenAIEngineSpec, template: str | None = None
) -> ScoringEngine:
    """Return an engine for the reward model at `endpoint`, an address with or without `/v1`.

    Of `spec` it uses the model's name, the key and the deadline for a first token. `template`, with
    the slots {instruction} and {response}, is for servers that take only text. Raises `EngineError`
    when the server is not there or serves no reward model, `UsageError` for what is no address.
    """
    root = endpoint.rstrip("/").removesuffix("/v1")
    server, where = open_server(root, spec, PROTOCOL)
    seconds = spec.deadlines.first_token
    try:
        trial = Trial(server, where, seconds, None)
        questions = Questions(server, where, seconds)
        info, tongue = await probe(questions, trial, spec.model, template)
    except (MagpieError, asyncio.CancelledError):  # nobody else knows of the server yet
        await server.close()
        raise
    return ScoringEngine(server, where, info, tongue, seconds)
