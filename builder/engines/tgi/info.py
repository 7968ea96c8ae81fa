"""What a text-generation-inference server says of itself, read from it and never assumed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import msgspec

from builder.engines.remote.errors import Where, refusal
from builder.engines.remote.http import Server
from builder.errors import EngineError

SECONDS = 30.0
"""How long a question about the server may take; it answers these in milliseconds."""

SAMPLE = "Hello"
"""A text that every tokenizer takes, to see what stands in front of its tokens."""


@dataclass(frozen=True)
class TgiInfo:
    """A server's model, version and limits.

    `adds_bos` says whether it puts a begin-of-text token before each prompt: then prompts are sent
    without their own. None where it was not asked, since the template writes none. `constrained`
    says whether it holds a completion to a JSON schema, as its answer to one showed.
    """

    model_id: str
    model_sha: str | None
    version: str
    max_concurrent_requests: int
    max_stop_sequences: int
    max_input_tokens: int
    max_total_tokens: int
    docker_label: str | None = None
    adds_bos: bool | None = None
    constrained: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, by name."""
        return dataclasses.asdict(self)


class _Info(msgspec.Struct):
    """`GET /info`. `max_input_length` is what versions before 2 called `max_input_tokens`."""

    model_id: str
    version: str
    max_concurrent_requests: int
    max_stop_sequences: int
    max_total_tokens: int
    max_input_tokens: int | None = None
    max_input_length: int | None = None
    model_sha: str | None = None
    docker_label: str | None = None


class _Token(msgspec.Struct):
    id: int


async def read_info(server: Server, where: Where, bos: str) -> TgiInfo:
    """Ask a server about itself. Raises `EngineError` when it is no TGI, or what `ask` raises."""
    answer = await server.ask("GET", "/info", seconds=SECONDS)
    if answer.status != 200:
        raise refusal(where, answer)
    try:
        told = msgspec.json.decode(answer.body, type=_Info)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EngineError(
            f"{where.address}/info is not that of text-generation-inference: {error}",
            mend="Another server? `engine.kind: openai` speaks to any with /v1/completions.",
        ) from error
    inputs = told.max_input_tokens or told.max_input_length or told.max_total_tokens - 1
    return TgiInfo(
        model_id=told.model_id,
        model_sha=told.model_sha,
        version=told.version,
        max_concurrent_requests=told.max_concurrent_requests,
        max_stop_sequences=told.max_stop_sequences,
        max_input_tokens=inputs,
        max_total_tokens=told.max_total_tokens,
        docker_label=told.docker_label,
        adds_bos=await adds_bos(server, where, bos),
    )


async def adds_bos(server: Server, where: Where, bos: str) -> bool | None:
    """Whether a server puts the token `bos` before a prompt; None where the template has none.

    Where it does not tell, it is taken to: TGI's router always adds special tokens.
    """
    if not bos:
        return None
    spelled = await tokenize(server, where, bos + SAMPLE)
    plain = await tokenize(server, where, SAMPLE)
    if not spelled or plain is None:
        return True
    return plain[:1] == spelled[:1]


async def tokenize(server: Server, where: Where, text: str) -> list[int] | None:
    """The ids that a server makes of `text`, with what it adds; None where it does not tell."""
    body = msgspec.json.encode({"inputs": text})
    answer = await server.ask("POST", "/tokenize", body, seconds=SECONDS)
    if answer.status in (404, 405):
        return None
    if answer.status != 200:
        raise refusal(where, answer)
    try:
        return [token.id for token in msgspec.json.decode(answer.body, type=list[_Token])]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
