"""One request, what came as answer to it so far, and the deadlines that it has to keep."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from httptools import HttpParserError, HttpResponseParser

from builder.errors import BrokenStreamError, MagpieError, StalledError, UnavailableError


@dataclass(frozen=True)
class Answer:
    """A whole answer. Names of headers are in lower case; `reason` stands beside the status."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    reason: str = field(default="", compare=False)


@dataclass(frozen=True)
class Patience:
    """The longest silences that one request may keep, in seconds: before its first piece, then."""

    first: float
    between: float | None = None
    """None: the answer is wanted whole, and `first` is the time for all of it."""

    def overdue(self, silence: float, *, progressed: bool) -> StalledError | None:
        """Say which deadline `silence` seconds have missed, if any."""
        if self.between is None:
            if silence > self.first:
                return StalledError(f"no whole answer within {self.first:g} s")
        elif progressed and silence > self.between:
            return StalledError(f"no token for {self.between:g} s (deadlines.between_tokens)")
        elif not progressed and silence > self.first:
            return StalledError(f"no first token within {self.first:g} s (deadlines.first_token)")
        return None

    @property
    def streamed(self) -> bool:
        """Whether the answer is taken piece by piece."""
        return self.between is not None

    @property
    def shortest(self) -> float:
        """The shorter one of the two, in seconds."""
        return self.first if self.between is None else min(self.first, self.between)


class Wanted(Enum):
    """What somebody waits for."""

    HEAD = 1
    PIECE = 2
    END = 3


class Exchange:
    """A request on a connection. The parser of its answer calls the `on_` names."""

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: Patience) -> None:
        self.patience = patience
        self.headers: dict[str, str] = {}
        self.status = 0  # until the head is there
        self.begun = False  # a byte came
        self.over = False  # all came
        self.reusable = False  # and the connection can take another request
        self.failure: MagpieError | None = None
        self.held = False  # something came, and who waits is told later
        self.parts = 0  # of the body, as the server cut it
        self._loop = loop
        self._began = self._seen = loop.time()
        self._progressed = self._moved = False
        self._reason = ""
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._wanted = Wanted.HEAD
        self._waiter: asyncio.Future[None] | None = None

    @property
    def age(self) -> float:
        """Seconds from its begin to the last that came."""
        return self._seen - self._began

    async def wait(self, wanted: Wanted) -> None:
        """Wait until there is what is wanted, or nothing more can come."""
        while not self._has(wanted):
            self._wanted = wanted
            self._waiter = self._loop.create_future()
            await self._waiter

    async def whole(self) -> Answer:
        """Wait for all of the answer. Raises what ended it before its end."""
        await self.wait(Wanted.END)
        if self.failure is not None:
            raise self.failure
        return Answer(self.status, self.headers, self.take(), self._reason)

    def take(self) -> bytes:
        """Take what came of the body and was not taken yet."""
        pieces = self._pieces
        if len(pieces) == 1:
            body = pieces[0]
            pieces.clear()
            return body
        self._pieces = []
        return b"".join(pieces)

    @property
    def urgent(self) -> bool:
        """Whether who waits should know at once: it is over, or its head is wanted."""
        return self.over or self.failure is not None or self._wanted is not Wanted.PIECE

    def feed(self, data: bytes | memoryview) -> None:
        """Take in bytes from the server. `wake` says so to who waits."""
        self.begun = True
        assert self._parser is not None
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            self.fail(BrokenStreamError(f"what the server sent is not HTTP: {error}"))
            return
        if self._moved:
            self._moved = False
            self._seen = self._loop.time()
            self._progressed = True

    def lost(self, cause: Exception | None) -> None:
        """Take in that the connection is gone; None: the server closed it in good order."""
        why = str(cause) if cause is not None else "the server closed it"
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        error: MagpieError
        if not self.begun:
            error = UnavailableError(f"the connection ended without an answer: {why}")
        elif self.status and not framed and cause is None:
            self.over = True  # an answer without a length ends with its connection
            self.wake()
            return
        else:
            error = BrokenStreamError(f"the connection ended in the middle of an answer: {why}")
        error.__cause__ = cause
        self.fail(error)

    def fail(self, error: MagpieError) -> None:
        """End with an error, unless it is over already."""
        if not self.over and self.failure is None:
            self.failure = error
            self.reusable = False
            self.wake()

    def check(self, now: float) -> None:
        """Fail if a deadline was missed."""
        overdue = self.patience.overdue(now - self._seen, progressed=self._progressed)
        if overdue is not None:
            self.fail(overdue)

    def release(self) -> None:
        """Let go of the parser, which holds us: only the garbage collector would part the two."""
        self._parser = None

    def _has(self, wanted: Wanted) -> bool:
        if self.over or self.failure is not None:
            return True
        if wanted is Wanted.PIECE:
            return bool(self._pieces)
        return wanted is Wanted.HEAD and self.status >= 200

    def wake(self) -> None:
        """Wake who waits, if there is what is wanted."""
        waiter = self._waiter
        if waiter is not None and self._has(self._wanted):
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def on_message_begin(self) -> None:
        """Another answer begins: after an interim one (1xx) it is the real one."""
        if self.over:
            self.reusable = False  # more than was asked for

    def on_status(self, reason: bytes) -> None:
        """Keep the words beside the status."""
        self._reason = reason.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Keep the status."""
        assert self._parser is not None
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers.clear()

    def on_body(self, body: bytes) -> None:
        """Keep a piece. A comment is no progress: TGI sends one every 15 s when nothing comes."""
        self.parts += 1
        if body[:1] != b":":
            self._moved = True
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        """All of the answer is there, unless it was an interim one."""
        assert self._parser is not None
        if self.status >= 200:
            self.over = True
            self.reusable = self._parser.should_keep_alive()
