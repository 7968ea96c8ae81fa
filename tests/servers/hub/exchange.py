"""A request as it was read, and an answer before it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.servers.hub.accounts import Account

PIECE = 1 << 20
"""Bytes that are read or sent at once."""


class Body:
    """The body of a request, read when a route wants it. `received` counts its bytes."""

    def __init__(self, stream: BufferedIOBase, headers: Message) -> None:
        self._stream = stream
        self._chunked = "chunked" in headers.get("Transfer-Encoding", "")
        self.length = int(headers.get("Content-Length") or 0)
        self.received = 0
        self._pieces = self._chunks() if self._chunked else self._plain()

    def pieces(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.received += len(piece)
            yield piece

    def read(self) -> bytes:
        return b"".join(self.pieces())

    def drain(self) -> None:
        """Read what nobody wanted, so that the connection can be used again."""
        for _ in self.pieces():
            pass

    def read_half(self) -> None:
        """Read up to half of it, and leave the rest on the wire."""
        self.received += len(self._stream.read(1 if self._chunked else self.length // 2))

    def _plain(self) -> Iterator[bytes]:
        left = self.length
        while left:
            piece = self._whole(min(left, PIECE))
            left -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._stream.readline().split(b";")[0] or b"0", 16):
            yield self._whole(size)
            self._stream.readline()
        self._stream.readline()

    def _whole(self, size: int) -> bytes:
        piece = self._stream.read(size)
        if len(piece) < size:
            raise ConnectionAbortedError("the client left within its request")
        return piece


@dataclass(frozen=True)
class At:
    """What stands in the path of a request: the repository as `ORG/NAME`, and what of it.

    `oid` is the SHA-256 of a large file, `number` that of one of its parts. Over Xet, `oid` is the
    hash of a chunk, a xorb or a file, and `number` names a grant.
    """

    kind: str = "models"
    name: str = ""
    rev: str = "main"
    path: str = ""
    oid: str = ""
    number: str = ""

    @classmethod
    def read(cls, parts: Mapping[str, str]) -> At:
        """The parts of a path by name, with the organisation as `org`."""
        rest = {key: value for key, value in parts.items() if key != "org"}
        whole = {"name": f"{parts['org']}/{parts['name']}"} if "org" in parts else {}
        return cls(**{**rest, **whole})


@dataclass(frozen=True)
class Request:
    """What was asked: `path` and `query` without the host; `base` is the host that was asked."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Message
    body: Body
    account: Account | None = None

    @property
    def base(self) -> str:
        return f"http://{self.headers['Host']}"

    def asks(self, name: str) -> bool:
        """Whether a parameter is true; the client writes Python's `True`."""
        return self.query.get(name, [""])[-1].lower() in ("1", "true")

    def json(self) -> Any:
        return json.loads(self.body.read() or b"{}")


@dataclass(frozen=True)
class Piece:
    """`length` bytes of a file from `start`."""

    path: Path
    start: int
    length: int

    def pieces(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(self.start)
            left = self.length
            while left:
                read = file.read(min(left, PIECE))
                left -= len(read)
                yield read


@dataclass(frozen=True)
class Answer:
    """`length` is that of the body; an answer to HEAD tells it and sends none."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Piece = b""

    @property
    def length(self) -> int:
        return self.body.length if isinstance(self.body, Piece) else len(self.body)

    def pieces(self) -> Iterator[bytes]:
        if isinstance(self.body, Piece):
            yield from self.body.pieces()
        else:
            yield self.body


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    # A card may hold dates, which JSON has not.
    return Answer(status, {**kind, **(headers or {})}, json.dumps(value, default=str).encode())
