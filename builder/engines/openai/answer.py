"""What `/v1/completions` answers, whole or as events, and how it says that it is over."""

from __future__ import annotations

from typing import Final

import msgspec

from builder.engines.base import Chunk, FinishReason
from builder.engines.remote.errors import Where, event_error, refusal
from builder.engines.remote.events import Events
from builder.engines.remote.http import Answer
from builder.errors import BrokenStreamError

REASONS: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "stop_str": "stop",
    "matched_stop": "stop",
    "length": "length",
    "max_tokens": "length",
}
"""Words that servers say for the end of a completion. OpenAI, vLLM, SGLang and llama.cpp say stop
and length, text-generation-inference eos_token and stop_sequence too."""


DONE: Final = b"[DONE]"
"""The event that ends a stream; some servers send none."""


class Choice(msgspec.Struct):
    """A completion, or a piece of one. `finish_reason` is a text, an object with a type, or null;
    some servers send '' until the end."""

    text: str | None = None
    finish_reason: object = None


class Usage(msgspec.Struct):
    """How many tokens the server counts."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Piece(msgspec.Struct):
    """An answer, or an event of a streamed one. Unknown fields are passed over.

    An error stands in `error`, or the object is called error and its fields are beside that.
    """

    choices: list[Choice] = []
    usage: Usage | None = None
    error: object = None
    kind: str | None = msgspec.field(default=None, name="object")


_PIECE: Final = msgspec.json.Decoder(Piece)


class Reading:
    """Reads one completion, event by event: tokens are counted, the end is recognised.

    Each event with a text counts as one token; what the server's own count says beyond that goes
    with the last chunk.
    """

    def __init__(self, where: Where) -> None:
        self._where = where
        self._begun = False
        self._finish: FinishReason | None = None
        self._text = ""  # that came with the end
        self._counted = 0
        self._told: int | None = None

    def take(self, data: bytes) -> Chunk | None:
        """Take in one event; returns its piece of text, but not the last one's.

        Raises `BrokenStreamError` for what is no such event, or what its error means.
        """
        if not data or data == DONE:
            return None
        piece = self._decoded(data)
        if piece.error is not None or piece.kind == "error":
            raise _error_of(self._where, piece.error, data)
        if piece.usage is not None and piece.usage.completion_tokens is not None:
            self._told = piece.usage.completion_tokens
        if not piece.choices:
            return None
        self._begun = True
        choice = piece.choices[0]
        text = choice.text or ""
        finish = finish_of(choice.finish_reason)
        if finish is not None:
            self._finish = finish
            self._text += text
            return None
        if not text:
            return None
        self._counted += 1
        return Chunk(text, 1)

    def take_all(self, body: bytes) -> None:
        """Take in a whole stream. Raises as `take` does."""
        events = Events()
        for data in [*events.feed(body), *events.end()]:
            self.take(data)

    def end(self) -> Chunk:
        """The last chunk. Raises `BrokenStreamError` where the server never told why it ended."""
        if self._finish is None:
            raise BrokenStreamError(
                f"{self._where.address} ended a completion without a finish_reason"
            )
        counted = self._counted + bool(self._text)
        tokens = max(counted, self._told or 0) - self._counted
        return Chunk(self._text, tokens, self._finish)

    @property
    def begun(self) -> bool:
        """Whether a piece of a completion came, be it an empty one."""
        return self._begun

    @property
    def finished(self) -> bool:
        """Whether the server told why the completion ended."""
        return self._finish is not None

    def _decoded(self, data: bytes) -> Piece:
        try:
            return _PIECE.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            said = data[:80].decode("utf-8", "replace")
            raise BrokenStreamError(
                f"{self._where.address} sent what is no completion: {said!r} ({error})"
            ) from error


def finish_of(told: object) -> FinishReason | None:
    """Our reason for a server's; None while it goes on.

    Raises `BrokenStreamError` for a reason that is no end of a completion, such as abort.
    """
    word = told.get("type") if isinstance(told, dict) else told
    if word is None or word == "":
        return None
    known = REASONS.get(word.lower()) if isinstance(word, str) else None
    if known is None:
        raise BrokenStreamError(f"the server ended a completion with finish_reason {told!r}")
    return known


IN_STREAM: Final = (
    ("Model is overloaded", "overloaded"),
    ("Request failed during generation", "generation"),
    ("Incomplete generation", "incomplete_generation"),
)
"""How text-generation-inference words its errors (InferError in its router/src/infer/mod.rs), and
their error_type. In streams of its /v1/completions it calls all of them 422."""


def _error_of(where: Where, error: object, data: bytes) -> Exception:
    """The error that an event with one means; a status in it decides, as outside of a stream."""
    event: dict[str, object] = msgspec.json.decode(data)
    told = error if isinstance(error, dict) else event
    message = told.get("message", error)
    for words, kind in IN_STREAM:
        if isinstance(message, str) and message.startswith(words):
            return event_error(where, message, kind)
    for code in (told.get("code"), told.get("http_status_code")):
        if isinstance(code, int) and 400 <= code < 600:
            return refusal(where, Answer(code, {}, data))
    known = event.get("error_type")
    return event_error(where, message, known if isinstance(known, str) else None)
