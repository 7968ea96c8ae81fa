"""The openai engine: raw completions of any server with `/v1/completions`.

vLLM, SGLang, llama.cpp, text-generation-inference and what else speaks so. They differ in what
they take and tell; `probe` finds that out by asking, so none of them is known by name.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from builder.engines.base import Chunk, SamplingParams
from builder.engines.constraint import schema_of
from builder.engines.openai.answer import Reading
from builder.engines.openai.held import FIELDS
from builder.engines.openai.probe import OpenAIInfo, probe
from builder.engines.openai.prompts import SAMPLE, Prompts, Tokenize, Way
from builder.engines.openai.trial import COMPLETIONS, Trial
from builder.engines.remote.errors import Where, refusal
from builder.engines.remote.events import Events
from builder.engines.remote.http import Server
from builder.engines.remote.model import RemoteModel, open_server
from builder.errors import EngineError, MagpieError, RowError
from builder.recipe.engine_spec import DeadlinesSpec, OpenAIEngineSpec

__all__ = ["OpenAIEngine", "OpenAIInfo", "connect_openai"]

PROTOCOL: Final = "OpenAI-compatible"


@dataclass(frozen=True)
class Speech:
    """How prompts are sent to a server, and how it is asked about them."""

    prompts: Prompts
    trial: Trial
    tokenize: Tokenize


class OpenAIEngine:
    """A server with `/v1/completions` as an engine. `info` is what was found about it."""

    def __init__(
        self,
        server: Server,
        where: Where,
        deadlines: DeadlinesSpec,
        info: OpenAIInfo,
        speech: Speech,
    ) -> None:
        self.slots = info.slots
        self.constrained = info.schema_field is not None
        self.info = info
        self._server = server
        self._where = where
        self._deadlines = deadlines
        self._speech = speech
        self._base = dict(info.fields) | ({} if info.model is None else {"model": info.model})

    async def stream(self, prompt: str, params: SamplingParams) -> AsyncGenerator[Chunk]:
        """See `Engine.stream`. In one piece where nobody looks, if the server counts then too."""
        body = self._request(prompt, params)
        ends = self.info.ends
        if not ends.streams or (params.whole and ends.whole_counted):
            yield await self._whole(body)
            return
        body["stream"] = True
        if ends.stream_options:
            body["stream_options"] = {"include_usage": True}
        reading, events = Reading(self._where), Events()
        pieces = self._server.stream(COMPLETIONS, msgspec.json.encode(body), self._deadlines)
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                for data in events.feed(piece):
                    if (chunk := reading.take(data)) is not None:
                        yield chunk
        for data in events.end():
            if (chunk := reading.take(data)) is not None:
                yield chunk
        yield reading.end()

    async def token_ids(self, prompt: str) -> list[int] | None:
        """See `TellsTokens`."""
        return await self._speech.prompts.token_ids(prompt, self._speech.tokenize)

    async def prompt_tokens(self, prompt: str) -> int | None:
        """See `CountsPrompts`. It costs a request for one token."""
        fields = self._speech.prompts.fields(prompt)
        tried = await self._speech.trial.complete({**self._base, **fields})
        if tried.refusal is not None:
            raise tried.refusal
        return tried.tokens

    async def close(self) -> None:
        """See `Engine.close`."""
        await self._server.close()

    def _request(self, prompt: str, params: SamplingParams) -> dict[str, Any]:
        """The fields of a request. Raises `RowError` when the prompt leaves no room."""
        greedy = params.temperature == 0
        body = self._base | self._speech.prompts.fields(prompt)
        body["max_tokens"] = self._room(body["prompt"], prompt, params.max_tokens)
        body["temperature"] = params.temperature
        if not greedy and params.top_p < 1:
            body["top_p"] = params.top_p
        if greedy:
            body |= self.info.greedy
        if self.info.seed:
            body["seed"] = 0 if greedy else params.seed
        if params.schema is not None and self.info.schema_field is not None:
            body |= FIELDS[self.info.schema_field](schema_of(params.schema))
        stops = list(params.stop[: self.info.stops])
        return body | ({"stop": stops} if stops else {})

    def _room(self, sent: str | list[int], prompt: str, wanted: int) -> int:
        """How many tokens may follow a prompt, at most `wanted`."""
        if self.info.context is None:
            return wanted
        size = len(sent) if isinstance(sent, list) else self._speech.prompts.size(prompt)
        room = self.info.context - (size or 0)
        if room < 1:
            raise RowError(
                f"the prompt has {size} tokens, which fills the server's context of "
                f"{self.info.context}"
            )
        return min(wanted, room)

    async def _whole(self, body: dict[str, Any]) -> Chunk:
        encoded = msgspec.json.encode(body)
        answer = await self._server.ask("POST", COMPLETIONS, encoded, seconds=self._deadlines.whole)
        if answer.status != 200:
            raise refusal(self._where, answer)
        reading = Reading(self._where)
        reading.take(answer.body)
        return reading.end()


async def connect_openai(endpoint: str, model: RemoteModel, spec: OpenAIEngineSpec) -> OpenAIEngine:
    """Return an engine for the server at `endpoint`, an address with or without `/v1`.

    It asks the server some questions of one token each, and for a little JSON. Raises
    `EngineError` when the server is not there, has no raw completions, refuses the key, or does
    not give the model the prompts as the template has them; `UsageError` for what is no address.
    """
    root = endpoint.rstrip("/").removesuffix("/v1")
    server, where = open_server(root, spec, PROTOCOL)
    try:
        info, prompts = await probe(server, where, model, spec)
        trial = Trial(server, where, spec.deadlines.first_token, info.model)
        tokenize = Tokenize(trial, info.model)
        await _refuse_other_vocabulary(where, prompts, tokenize)
    except (MagpieError, asyncio.CancelledError):  # nobody else knows of the server yet
        await server.close()
        raise
    return OpenAIEngine(server, where, spec.deadlines, info, Speech(prompts, trial, tokenize))


async def _refuse_other_vocabulary(where: Where, prompts: Prompts, tokenize: Tokenize) -> None:
    """Raise when token ids would mean other texts to the server than to us."""
    if prompts.way is not Way.IDS or prompts.encode is None:
        return
    text = prompts.bos + SAMPLE
    ids, expected = await tokenize.ids(text, added=False), prompts.encode(text)
    if ids is not None and ids != expected:
        raise EngineError(
            f"{where.address} makes other tokens of {text!r} than the model's tokenizer\n"
            f"  server:    {ids}\n"
            f"  tokenizer: {expected}",
            mend="Does it serve the model and the revision that the recipe names (model.id, "
            "model.revision)?",
        )
