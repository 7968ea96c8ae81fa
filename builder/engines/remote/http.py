"""A thin HTTP/1.1 client for one server: kept-alive connections, whole answers and streams.

    server = Server("http://127.0.0.1:8080", {"authorization": "Bearer ..."}, refusal)
    answer = await server.ask("GET", "/info", seconds=10)          # of any status
    async for piece in server.stream("", body, deadlines): ...     # raises unless it is a 200

It exists for its costs: a token that comes alone takes a general client ten times as long.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from urllib.parse import urlsplit

from builder.engines.remote.connection import Connection, Tick, Watch
from builder.engines.remote.exchange import Answer, Exchange, Patience, Wanted
from builder.errors import EngineError, UnavailableError, UsageError
from builder.recipe.engine_spec import DeadlinesSpec

__all__ = ["Answer", "Refuse", "Server", "UnreachableError"]

CONNECT_SECONDS = 10.0
"""How long connecting may take. A server that is there accepts in milliseconds; across the world
in one second."""

Refuse = Callable[[Answer], Exception]
"""Turns an answer that is not 200 into the error to raise."""


class UnreachableError(UnavailableError):
    """No connection could be made at all."""


class Server:
    """One server. Connections are made when needed, kept open and used again.

    All methods raise `UnavailableError` when the server cannot be reached or closes the
    connection without an answer, `BrokenStreamError` when an answer breaks off or is no HTTP,
    `StalledError` when a deadline was missed, and `EngineError` when its certificate is refused
    or `close` was called. A request that is cancelled, or whose stream is closed early, closes
    its connection at once: the server then stops generating.
    """

    def __init__(self, url: str, headers: Mapping[str, str], refuse: Refuse) -> None:
        """`url` may have a path, which stands before that of each request.

        Raises `UsageError` when it is no http or https address.
        """
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = 0
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise UsageError(
                f"{url!r} is not the address of a server",
                mend="Write it like http://127.0.0.1:8080, with http or https.",
            )
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host = parts.hostname
        self._port = port or (443 if self._tls else 80)
        self._path = parts.path.rstrip("/")
        self._refuse = refuse
        self.address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{self._path}"
        self._headers = {"host": parts.netloc.rpartition("@")[2], "accept": "*/*"}
        self._headers |= {name.lower(): value for name, value in headers.items()}
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._watch = Watch()
        self._tick = Tick()
        self._closed = False

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        seconds: float,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the whole answer, whatever its status, within `seconds`.

        `headers` stand in for those of the server by name. A body is JSON unless they say so.
        """
        request = self._request(method, path, body, headers)
        connection, exchange = await self._send(request, Patience(seconds))
        try:
            return await exchange.whole()
        finally:
            self._done(connection, exchange)

    async def stream(
        self,
        path: str,
        body: bytes,
        deadlines: DeadlinesSpec,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[bytes]:
        """Post `body` and yield pieces of the answer's body as they come, cut anywhere.

        The first piece is empty: the server said 200, and may take its time from there on.

        Raises what `refuse` makes of an answer with another status than 200.
        """
        request = self._request("POST", path, body, headers)
        patience = Patience(deadlines.first_token, deadlines.between_tokens)
        connection, exchange = await self._send(request, patience)
        self._tick.begin()
        try:
            if exchange.status != 200:
                raise self._refuse(await exchange.whole())
            yield b""
            while True:
                await exchange.wait(Wanted.PIECE)
                if piece := exchange.take():
                    yield piece
                elif exchange.failure is not None:
                    raise exchange.failure
                else:
                    return
        finally:
            self._tick.end(exchange.age)
            self._done(connection, exchange)

    async def close(self) -> None:
        """Close all connections. Requests in flight get an `EngineError`."""
        self._closed = True
        for connection in list(self._open):
            connection.end(EngineError("the engine is closed"))
        self._idle.clear()

    def _request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> bytes:
        fields = self._headers | {name.lower(): value for name, value in (headers or {}).items()}
        if body is not None:
            fields["content-length"] = str(len(body))
            fields.setdefault("content-type", "application/json")
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        head = f"{method} {self._path + path or '/'} HTTP/1.1\r\n{lines}\r\n"
        return head.encode("latin-1") + (body or b"")

    async def _send(self, request: bytes, patience: Patience) -> tuple[Connection, Exchange]:
        """Send a request, and wait for the first byte of its answer.

        A server may close a kept connection at the very moment at which we use it again. That is
        no failure: the request then goes out once more, on a new connection.
        """
        connection = self._idle.pop() if self._idle else None
        if connection is not None:
            exchange = await self._begin(connection, request, patience)
            if not isinstance(exchange.failure, UnavailableError):
                return connection, exchange
            self._done(connection, exchange)
        connection = await self._connect()
        return connection, await self._begin(connection, request, patience)

    async def _begin(self, connection: Connection, request: bytes, patience: Patience) -> Exchange:
        exchange = Exchange(asyncio.get_running_loop(), patience)
        self._watch.add(exchange)
        connection.send(request, exchange)
        try:
            await exchange.wait(Wanted.HEAD)
        except asyncio.CancelledError:
            self._done(connection, exchange)
            raise
        return exchange

    def _done(self, connection: Connection, exchange: Exchange) -> None:
        """Keep the connection for the next request if it can be, else close it at once."""
        self._watch.remove(exchange)
        exchange.release()
        connection.exchange = None
        if exchange.over and exchange.reusable and not self._closed and connection.usable:
            self._idle.append(connection)
        else:
            connection.abort()

    async def _connect(self) -> Connection:
        if self._closed:
            raise EngineError("the engine is closed")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._gone, self._tick),
                    self._host,
                    self._port,
                    ssl=self._tls,
                )
        except ssl.SSLCertVerificationError as error:
            raise EngineError(
                f"the certificate of {self.address} is refused: {error.verify_message}",
                mend="Name the authority that signed it: SSL_CERT_FILE=FILE.pem",
            ) from error
        except TimeoutError as error:
            raise self._unreachable(f"no connection within {CONNECT_SECONDS:g} s") from error
        except OSError as error:
            raise self._unreachable(error.strerror or str(error)) from error
        self._open.add(connection)
        if self._closed:
            connection.abort()
            raise EngineError("the engine is closed")
        return connection

    def _unreachable(self, why: str) -> UnreachableError:
        return UnreachableError(f"{self.address} cannot be reached: {why}")

    def _gone(self, connection: Connection) -> None:
        self._open.discard(connection)
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)
