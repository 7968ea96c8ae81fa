"""The seam between what asks for text and what writes it: `stream` and `close`.

An engine gets the raw prompt, BOS text included where the template writes one, and sends nothing
but that: no chat wrapper, no second BOS. It streams until the model ends its turn, a stop string
stands at the end of the text, or `max_tokens` is reached. It may go past a stop string that lies
inside a token; `complete` cuts there, whatever the engine does.

Every engine passes `tests/engines/test_contract.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from builder.engines.cut import cut_position

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How one completion is sampled.

    `temperature` 0 is greedy; `top_p` 1 is off. `seed` lies in 0 to 2**31 - 1, so every engine
    takes it: llama.cpp reads 2**32 - 1 as "random". `stop` are texts that end the completion.
    `whole` says that nobody looks at the pieces: the engine may send the completion as one chunk,
    which costs a client a tenth of the work. `schema` is a JSON schema, as text, that the
    completion has to fit: see `Constrains`.
    """

    temperature: float
    top_p: float
    max_tokens: int
    seed: int
    stop: tuple[str, ...] = ()
    whole: bool = False
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a completion: its text, and how many tokens it took.

    The last chunk of a stream, and only that, has a `finish_reason`: `stop` when the model closed
    its turn or a stop string was met, `length` when `max_tokens` cut it off.
    """

    text: str
    tokens: int
    finish_reason: FinishReason | None = None


class Engine(Protocol):
    """What serves completions. `slots` is how many it serves at once."""

    slots: int

    def stream(self, prompt: str, params: SamplingParams) -> AsyncGenerator[Chunk]:
        """Complete `prompt`. Closing the generator cancels the request on the engine's side.

        Raises a `RetryError` when the same request may succeed later, a `RowError` when this
        request cannot, and a `StopError` when no request can.
        """
        ...

    async def close(self) -> None:
        """Let go of the model, the connection, the process. Requests in flight are cancelled."""
        ...


@runtime_checkable
class TellsTokens(Protocol):
    """What an engine adds that can say how its server cuts a prompt into tokens."""

    async def token_ids(self, prompt: str) -> list[int] | None:
        """The ids that the model gets for `prompt` as `stream` sends it; None: not told.

        What the server itself adds, such as a begin-of-text token, is in it.
        """
        ...


@runtime_checkable
class Constrains(Protocol):
    """What an engine adds that may be able to hold a completion to a JSON schema.

    Where `constrained` is true, a completion that was asked for with a schema and ends with `stop`
    is one JSON value that fits it, its keys in the schema's order; one that ends with `length` is
    the beginning of such a value. Where it is false, and in an engine without the attribute, the
    schema is passed over. All engines know objects whose properties are all required and that
    take no others, texts, enumerations, and lists of these.
    """

    constrained: bool


class Info(Protocol):
    """What was found out about a server."""

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values, by name: no address, no key."""
        ...


@runtime_checkable
class Informed(Protocol):
    """What an engine adds that has asked its server about itself."""

    info: Info


class Upkeep(Protocol):
    """Who looks after the servers behind the endpoints, where they are ours."""

    def returning(self, endpoint: str) -> bool:
        """Whether the server at `endpoint` is being brought back now: waiting makes sense.

        Raises `ServerError` once it was given up.
        """
        ...


@dataclass(frozen=True)
class Served:
    """Where servers answer: http or https addresses, and who looks after them (None: nobody).

    `gpus` is how many GPUs they have together, as far as that is ours to know.
    """

    endpoints: tuple[str, ...] = ()
    upkeep: Upkeep | None = None
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole completion. `text` ends before the first stop string; `tokens` counts all tokens."""

    text: str
    tokens: int
    finish_reason: FinishReason


async def complete(engine: Engine, prompt: str, params: SamplingParams) -> Completion:
    """Stream one completion to its end, and cut it at the first stop string.

    Once a stop string is there the rest is not waited for: the request is cancelled.
    Raises what `Engine.stream` raises.
    """
    text, tokens = "", 0
    async with contextlib.aclosing(engine.stream(prompt, params)) as chunks:
        async for chunk in chunks:
            start = len(text)
            text += chunk.text
            tokens += chunk.tokens
            cut = cut_position(text, params.stop, start)
            if cut is not None:
                return Completion(text[:cut], tokens, "stop")
            if chunk.finish_reason is not None:
                return Completion(text, tokens, chunk.finish_reason)
    raise AssertionError("an engine ended a stream without a finish reason")
