"""`/v1/chat/completions` as an engine: greedy answers, each in one piece.

    engine = await connect_chat("http://localhost:8083", spec)
    completion = await pool.complete(chat_prompt([("user", instruction)]), chat_params(64))

It is for models that only work within their own chat template, such as Llama-Guard. Instructions
and responses never come from here: those need the raw prompt (see `engines.openai`).

Source of the request and the answer: OpenAI's API reference, "Create chat completion"; vLLM,
SGLang, llama.cpp and text-generation-inference speak the same. Only fields that all of them know
are sent, and temperature 0 is greedy in each.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, Final

import msgspec

from builder.engines.base import Chunk, SamplingParams
from builder.engines.chat.turns import Turns
from builder.engines.openai.answer import Usage, finish_of
from builder.engines.openai.probe import UNTOLD_SLOTS
from builder.engines.openai.trial import Trial
from builder.engines.remote.errors import Where, refusal
from builder.engines.remote.http import Answer, Server
from builder.engines.remote.model import open_server
from builder.errors import BrokenStreamError, EngineError, MagpieError
from builder.recipe.engine_spec import DeadlinesSpec, OpenAIEngineSpec

CHAT: Final = "/v1/chat/completions"
PROTOCOL: Final = "OpenAI-compatible chat"
HELLO: Final = Turns((("user", "Good morning."),))


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message = msgspec.field(default_factory=_Message)
    finish_reason: object = None


class _Reply(msgspec.Struct):
    """What is read of an answer. Unknown fields are passed over."""

    choices: list[_Choice] = []
    usage: Usage | None = None


@dataclass(frozen=True)
class ChatInfo:
    """What was found about a server. `slots` is what it told, else `UNTOLD_SLOTS`."""

    model: str
    slots: int
    slots_told: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values. No address, no key and no path is among them."""
        return asdict(self)


class ChatEngine:
    """A server with `/v1/chat/completions` as an engine. `info` is what was found about it."""

    def __init__(
        self,
        server: Server,
        where: Where,
        deadlines: DeadlinesSpec,
        info: ChatInfo,
        model: str | None,
    ) -> None:
        """`model` is the name that requests carry, if any."""
        self.slots = info.slots
        self.info = info
        self._server = server
        self._where = where
        self._deadlines = deadlines
        self._base = {} if model is None else {"model": model}

    async def stream(self, prompt: str, params: SamplingParams) -> AsyncGenerator[Chunk]:
        """See `Engine.stream`: `prompt` is what `chat_prompt` gives; always greedy, in one piece.

        A chat without text, such as a call of a tool, is an empty answer.
        """
        turns = msgspec.json.decode(prompt, type=Turns)
        body = msgspec.json.encode(self._base | _request(turns, params.max_tokens))
        answer = await self._server.ask("POST", CHAT, body, seconds=self._deadlines.whole)
        if answer.status != 200:
            raise refusal(self._where, answer)
        yield _chunk(answer, self._where)

    async def close(self) -> None:
        """See `Engine.close`."""
        await self._server.close()


async def connect_chat(endpoint: str, spec: OpenAIEngineSpec) -> ChatEngine:
    """Return an engine for the chat model at `endpoint`, an address with or without `/v1`.

    Of `spec` it uses the model's name, the key and the deadlines. It asks the server for one token.
    Raises `EngineError` when it is not there, refuses the key or has no chat model, `UsageError`
    for what is no address.
    """
    root = endpoint.rstrip("/").removesuffix("/v1")
    server, where = open_server(root, spec, PROTOCOL)
    try:
        trial = Trial(server, where, spec.deadlines.first_token, None)
        model, info = await _found(trial, spec.model)
        await _try(trial, where, model)
    except (MagpieError, asyncio.CancelledError):  # nobody else knows of the server yet
        await server.close()
        raise
    return ChatEngine(server, where, spec.deadlines, info, model)


def _request(turns: Turns, max_tokens: int) -> dict[str, Any]:
    return {
        "messages": turns.messages(),
        "max_tokens": max_tokens,
        "temperature": 0.0,
        "stream": False,
    }


async def _found(trial: Trial, wanted: str | None) -> tuple[str | None, ChatInfo]:
    """The name for requests, and what the server tells of itself.

    The name is the recipe's, else the first one that `/v1/models` lists.
    """
    models, info, props = [await trial.told(path) for path in ("/v1/models", "/info", "/props")]
    entries = models.get("data") if isinstance(models, dict) else None
    first = entries[0] if isinstance(entries, list) and entries else None
    listed = first.get("id") if isinstance(first, dict) else None
    model = wanted or (listed if isinstance(listed, str) else None)
    told = [
        answer.get(key)
        for answer, key in ((info, "max_concurrent_requests"), (props, "total_slots"))
        if isinstance(answer, dict)
    ]
    slots = next((number for number in told if type(number) is int and number > 0), None)
    shown = model or "untold"
    shown = PurePath(shown).name if PurePath(shown).is_absolute() else shown
    return model, ChatInfo(shown, slots or UNTOLD_SLOTS, slots is not None)


async def _try(trial: Trial, where: Where, model: str | None) -> None:
    """Ask for one token. Raises `EngineError` where no answer of a chat comes."""
    named = {} if model is None else {"model": model}
    try:
        answer = await trial.post(CHAT, named | _request(HELLO, 1))
        if answer.status != 200:
            raise refusal(where, answer)
        _chunk(answer, where)
    except MagpieError as error:
        raise EngineError(
            f"no chat model answers at {where.address}: {error.message}",
            mend=f"It has to serve {CHAT} with the model's own chat template, and the model that "
            "the annotator names. A key is named beside the endpoint, as `api_key_env: NAME`.",
        ) from error


def _chunk(answer: Answer, where: Where) -> Chunk:
    """The answer as the one chunk of a stream. Raises `BrokenStreamError` where it is none."""
    try:
        reply = msgspec.json.decode(answer.body, type=_Reply)
    except (msgspec.DecodeError, UnicodeDecodeError):
        reply = _Reply()
    finish = finish_of(reply.choices[0].finish_reason) if reply.choices else None
    if finish is None:
        said = " ".join(answer.body[:120].decode("utf-8", "replace").split())
        raise BrokenStreamError(f"{where.address}{CHAT} answered no chat completion: {said}")
    counted = reply.usage.completion_tokens if reply.usage is not None else None
    return Chunk(reply.choices[0].message.content or "", counted or 1, finish)
