"""A port with its connections, and the way of a request on one of them."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.hub.exchange import Answer, Body, Request, as_json
from tests.servers.hub.faults import BEFORE, Fault
from tests.servers.hub.limits import headers
from tests.servers.hub.refusals import Refusal
from tests.servers.hub.routes import Route, find

if TYPE_CHECKING:
    from tests.servers.hub.log import Asked
    from tests.servers.hub.server import Hub

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time at all: closing sends a reset, not an end."""


POLL = 0.05
"""Seconds within which it notices that it is to stop."""


class Dropped(Exception):  # noqa: N818 - it leaves a request, nothing has failed
    """The connection is to be reset without another word."""


class Listener(ThreadingHTTPServer):
    """Answers one table of routes of a Hub on a port of 127.0.0.1."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, hub: Hub, routes: tuple[Route, ...], port: int) -> None:
        super().__init__(("127.0.0.1", port), Answers)
        self.hub, self.routes = hub, routes
        self._connections: set[socket.socket] = set()
        self._dropped: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection: clients keep theirs open for the next request."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        for connection in list(self._connections):
            # Some clients have closed theirs in the meantime.
            with contextlib.suppress(OSError):
                self.drop(connection)
                connection.shutdown(socket.SHUT_RDWR)

    def drop(self, connection: socket.socket) -> None:
        self._dropped.add(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        if request in self._dropped:
            # The parent would send an end before the reset.
            self._dropped.discard(request)
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is no news; anything else is a fault of this server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Answers(BaseHTTPRequestHandler):
    """One connection."""

    server: Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def serve(self) -> None:
        """Answer a request, or strike it."""
        hub, address = self.server.hub, urlsplit(self.path)
        route, at = find(self.server.routes, self.command, address.path)
        asked = hub.log.enter(self.command, address.path, route.name)
        fault = hub.faults.take(route.name)
        asked.fault = fault.kind if fault else None
        query = parse_qs(address.query)
        body = Body(self.rfile, self.headers)
        request = Request(self.command, address.path, query, self.headers, body)
        try:
            self._before(fault, body)
            answer = self._refused(fault) or hub.answer(route, request, at, asked)
            body.drain()
            asked.received = body.received
            self._send(answer, asked, fault)
        except Dropped:
            self.server.drop(self.connection)
            self.close_connection = True
        finally:
            asked.received = body.received

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve  # noqa: N815 - http.server's names

    def _before(self, fault: Fault | None, body: Body) -> None:
        """What strikes before anything is done."""
        kind = fault.kind if fault else ""
        if kind == "reset_request":
            body.read_half()
        if kind in ("error", "limited", "reset_unheard"):
            body.drain()
        if kind.startswith("reset_") and kind in BEFORE:
            raise Dropped
        if fault and kind == "stall" and self.server.hub.stopping.wait(fault.seconds):
            raise Dropped

    def _refused(self, fault: Fault | None) -> Answer | None:
        if fault and fault.kind == "error":
            return failed(fault.status)
        if fault and fault.kind == "limited":
            more = headers("api", 0, int(fault.seconds), 1000, 300)
            return Refusal(429, "Too Many Requests", headers=more).answer()
        return None

    def _send(self, answer: Answer, asked: Asked, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        if kind == "lost":
            raise Dropped
        if kind == "error_late":
            answer = failed(500)
        if kind == "flipped":
            answer = flipped(answer)
        body = self.command != "HEAD"
        asked.status = answer.status
        asked.sent = answer.length if body else 0
        self.send_response(answer.status)
        self.send_header("X-Request-Id", f"Root=1-{asked.number:08x}")
        for name, value in {**answer.headers, "Content-Length": str(answer.length)}.items():
            self.send_header(name, value)
        if kind == "reset_answer":
            self._send_half(answer, asked)
        self.end_headers()
        for piece in answer.pieces() if body else ():
            self.wfile.write(piece)

    def _send_half(self, answer: Answer, asked: Asked) -> None:
        """The head and half of the body; where there is no body, not even all of the head."""
        half = b"" if self.command == "HEAD" else b"".join(answer.pieces())[: answer.length // 2]
        asked.status, asked.sent = None, len(half)
        if half:
            self.end_headers()
            self.wfile.write(half)
        raise Dropped


def flipped(answer: Answer) -> Answer:
    """The same with one bit of its body turned, in the middle."""
    body = bytearray(b"".join(answer.pieces()))
    body[len(body) // 2] ^= 1
    return replace(answer, body=bytes(body))


def failed(status: int) -> Answer:
    """An answer of the proxies in front of the Hub, which is no JSON."""
    message = f"{status} Internal Error - We're working hard to fix this as soon as possible!"
    if status in (500, 501):
        return as_json({"error": message}, status)
    return Answer(status, {"Content-Type": "text/html"}, f"<h1>{status}</h1>".encode())
