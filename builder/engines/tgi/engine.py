"""The tgi engine: text-generation-inference through its own protocol, `POST /`.

Requests are those of `AsyncInferenceClient.text_generation`. Streams go through the fast path of
`remote.http` and `remote.events`; what nobody looks at while it comes is asked for in one answer
instead. Measured with 200 tokens each (`make bench`): 120,000 tokens a CPU-second on a drip of
events at full speed, 33,000 at 50 events a second, 250,000 on streams that come in one piece,
400,000 on answers that are no streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final

import msgspec

from builder.engines.base import Chunk, FinishReason, SamplingParams
from builder.engines.remote.errors import Where, event_error, refusal
from builder.engines.remote.events import Details, Events, Token, TokenEvent, broken, token_events
from builder.engines.remote.http import Server
from builder.engines.remote.model import RemoteModel, open_server
from builder.engines.tgi.grammar import takes_grammars
from builder.engines.tgi.inference_client import FastInferenceClient, Request
from builder.engines.tgi.info import TgiInfo, read_info, tokenize
from builder.engines.tgi.request import parameters_of, room_for
from builder.errors import (
    BrokenStreamError,
    EngineError,
    MagpieError,
    RetryError,
    TemplateError,
)
from builder.recipe.engine_spec import DeadlinesSpec, TgiEngineSpec

__all__ = ["TgiEngine", "TgiInfo", "connect_tgi"]

PROTOCOL: Final = "text-generation-inference"

FINISH: Final[dict[str, FinishReason]] = {
    "eos_token": "stop",
    "stop_sequence": "stop",
    "length": "length",
}
"""TGI's reasons to finish -> ours."""


class _WholeDetails(Details):
    tokens: list[Token] = []  # noqa: RUF012 - msgspec copies it for each


class _Whole(msgspec.Struct):
    """An answer in one piece. `POST /` sends a list of one."""

    generated_text: str
    details: _WholeDetails


_decode_whole = msgspec.json.Decoder(list[_Whole] | _Whole).decode


class TgiEngine:
    """A text-generation-inference server as an engine. `info` is what it says of itself."""

    def __init__(
        self,
        server: Server,
        where: Where,
        info: TgiInfo,
        model: RemoteModel,
        deadlines: DeadlinesSpec,
    ) -> None:
        self.slots = info.max_concurrent_requests
        self.constrained = info.constrained
        self.info = info
        self._server = server
        self._where = where
        self._model = model
        self._deadlines = deadlines
        self._encode: Callable[[str], list[int]] | None = None
        # The key is the server's: the stock client would send a stored login to any address.
        self._client = FastInferenceClient(
            where.address, token="unused", headers={"authorization": None}
        )

    async def stream(self, prompt: str, params: SamplingParams) -> AsyncGenerator[Chunk]:
        """See `Engine.stream`. In one chunk where nobody looks at the pieces."""
        inputs = self._inputs(prompt)
        room = await room_for(inputs, params.max_tokens, self.info, self._count)
        request = await self._client.request(
            inputs, stream=not params.whole, **parameters_of(params, self.info, room)
        )
        if params.whole:
            yield await self._whole(request, params.stop)
            return
        pieces = self._server.stream("", request.body, self._deadlines, request.headers)
        async with contextlib.aclosing(pieces):
            async for chunk in self._chunks(pieces, params.stop):
                yield chunk

    async def token_ids(self, prompt: str) -> list[int] | None:
        """See `TellsTokens`."""
        return await tokenize(self._server, self._where, self._inputs(prompt))

    async def close(self) -> None:
        """See `Engine.close`."""
        await self._server.close()
        await self._client.close()

    def _inputs(self, prompt: str) -> str:
        """The prompt as the server needs it to give the model one begin-of-text token."""
        return prompt.removeprefix(self._model.bos) if self.info.adds_bos else prompt

    async def _chunks(
        self, pieces: AsyncGenerator[bytes], stops: Sequence[str]
    ) -> AsyncGenerator[Chunk]:
        """One chunk for all events that came together, until the last one."""
        events, counted = Events(), 0
        async for piece in pieces:
            data = events.feed(piece)
            if not data:
                continue
            found = token_events(data)
            tokens = self._tokens(found)
            counted += len(tokens)
            text, stopped = _text(tokens, stops)
            details = found[-1].details
            if details is not None:
                missing = max(0, details.generated_tokens - counted)
                finish = "stop" if stopped else _finish(details)
                yield Chunk(text, len(tokens) + missing, finish)
                return
            if stopped:
                yield Chunk(text, len(tokens), "stop")
                return
            yield Chunk(text, len(tokens))
        raise BrokenStreamError(f"{self._where.address} ended a stream without its last event")

    def _tokens(self, events: Sequence[TokenEvent]) -> list[Token]:
        """The tokens of events. Raises what an error among them means."""
        tokens = [event.token for event in events if event.token is not None]
        if len(tokens) == len(events):
            return tokens
        for event in events:
            if event.error is not None:
                raise event_error(self._where, event.error, event.error_type)
        raise BrokenStreamError(f"{self._where.address} sent an event without a token")

    async def _whole(self, request: Request, stops: Sequence[str]) -> Chunk:
        answer = await self._server.ask(
            "POST", "", request.body, seconds=self._deadlines.whole, headers=request.headers
        )
        if answer.status != 200:
            raise refusal(self._where, answer)
        try:
            decoded = _decode_whole(answer.body)
            whole = decoded[0] if isinstance(decoded, list) else decoded
        except (msgspec.DecodeError, UnicodeDecodeError, IndexError) as error:
            raise broken(answer.body, error) from error
        text, stopped = _text(whole.details.tokens, stops)
        if not whole.details.tokens:
            text = whole.generated_text
        finish = "stop" if stopped else _finish(whole.details)
        return Chunk(text, whole.details.generated_tokens, finish)

    async def _count(self, inputs: str) -> int | None:
        """How many tokens the server makes of what is sent, by our count or by its own."""
        try:
            self._encode = self._encode or self._model.encode()
            return len(self._encode(inputs)) + bool(self.info.adds_bos)
        except TemplateError:
            ids = await tokenize(self._server, self._where, inputs)
            return None if ids is None else len(ids)


def _text(tokens: Sequence[Token], stops: Sequence[str]) -> tuple[str, bool]:
    """The text of tokens, and whether a special token among them is a stop.

    Special tokens are no text. A header that begins a wrong turn is one: the text ends there.
    """
    texts = [token.text for token in tokens if not token.special]
    if len(texts) == len(tokens):
        return "".join(texts), False
    for number, token in enumerate(tokens):
        if token.special and token.text in stops:
            return "".join(one.text for one in tokens[:number] if not one.special), True
    return "".join(texts), False


def _finish(details: Details) -> FinishReason:
    reason = FINISH.get(details.finish_reason)
    if reason is None:
        raise BrokenStreamError(f"the server finished for a reason unknown here: {details}")
    return reason


async def connect_tgi(endpoint: str, model: RemoteModel, spec: TgiEngineSpec) -> TgiEngine:
    """Return an engine for the server at `endpoint`, after reading its `/info`.

    It is asked for one small reply in JSON, to see whether it can be held to a schema.
    Raises `EngineError` when the server is not there, is no TGI or refuses the key, and
    `UsageError` for what is no address or a key that is not set.
    """
    server, where = open_server(endpoint, spec, PROTOCOL)
    try:
        info = await read_info(server, where, model.bos)
        constrained = await takes_grammars(server, where, spec.deadlines.first_token)
    except RetryError as error:
        await server.close()
        raise EngineError(
            error.message, mend="Is the server up, and its address right (engine.endpoint)?"
        ) from error
    except (MagpieError, asyncio.CancelledError):  # nobody else knows of it yet
        await server.close()
        raise
    info = dataclasses.replace(info, constrained=constrained)
    return TgiEngine(server, where, info, model, spec.deadlines)


def tgi_engine(endpoint: str, model: RemoteModel, spec: TgiEngineSpec, info: TgiInfo) -> TgiEngine:
    """Return an engine for a server that was asked already. Raises `UsageError`."""
    server, where = open_server(endpoint, spec, PROTOCOL)
    return TgiEngine(server, where, info, model, spec.deadlines)
