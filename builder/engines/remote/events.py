"""Server-sent events: bytes, cut anywhere -> the data of each event -> TGI's tokens.

Both protocols put an event's JSON on one `data:` line, so a line is an event: the fields `event:`,
`id:` and `retry:`, comments (a line that begins with a colon) and empty lines say nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from builder.errors import BrokenStreamError

SHOWN = 100
"""Bytes of a broken event that its error repeats."""


class Events:
    """Cuts bytes into events. What is left of a line waits for the next bytes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        r"""Return the data of all events that `piece` completes.

        >>> events = Events()
        >>> events.feed(b'data:{"a": 1}\n\n: ping\ndata: [DO'), events.feed(b"NE]\r\n")
        ([b'{"a": 1}'], [b'[DONE]'])
        """
        lines = (self._rest + piece if self._rest else piece).split(b"\n")
        self._rest = lines.pop()
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]

    def end(self) -> list[bytes]:
        """Return what the last line holds when the stream ends without a line break."""
        return self.feed(b"\n") if self._rest else []


class Token(msgspec.Struct, gc=False):
    """A token of a stream. `special` ones are marks of the model's, not text."""

    text: str
    special: bool = False


class Details(msgspec.Struct, gc=False):
    """What the last event tells of the whole."""

    finish_reason: str
    generated_tokens: int


class TokenEvent(msgspec.Struct):
    """TGI's event: a token, or an error in a stream whose status was 200 long ago.

    Only what is used is decoded; it is a third of what all fields cost.
    """

    token: Token | None = None
    details: Details | None = None
    error: str | None = None
    error_type: str | None = None


_decode_many = msgspec.json.Decoder(list[TokenEvent]).decode
_decode_one = msgspec.json.Decoder(TokenEvent).decode


def token_events(data: Sequence[bytes]) -> list[TokenEvent]:
    """Decode events. Raises `BrokenStreamError` when one is no event of TGI's.

    Many are decoded as one list, which saves a call for each.
    """
    try:
        if len(data) == 1:
            return [_decode_one(data[0])]
        return _decode_many(b"[%b]" % b",".join(data))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise broken(b" ".join(data), error) from error


def broken(data: bytes, error: Exception) -> BrokenStreamError:
    """Return the error for what should have been an event, or an answer, and is none."""
    seen = data[:SHOWN].decode("utf-8", "replace")
    return BrokenStreamError(f"the server sent {seen!r}, which is not of its protocol: {error}")
