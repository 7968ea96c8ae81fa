"""Carrying a fault out on one request, whatever the protocol is."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.servers.faults import Fault

Crash = Callable[[], Awaitable[None]]
CRASH: web.AppKey[Crash] = web.AppKey("crash")
"""How the server dies; the application's owner knows."""

WITHIN = {
    "reset_mid", "stall_between", "error_event", "garbage", "cut_json", "wrong_type", "no_end",
    "crash",
}  # fmt: skip
"""Kinds that strike once an answer has begun."""


def reset(request: web.Request) -> None:
    """Reset the connection: the client gets ECONNRESET, not an end."""
    transport = request.transport
    if transport is None:
        return
    peer = transport.get_extra_info("socket")
    if peer is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def hang_up(request: web.Request) -> web.Response:
    """Reset the connection, and give aiohttp the answer that it insists on."""
    reset(request)
    return web.Response()


async def die(request: web.Request) -> None:
    """Let the server die. Without one that knows how, the connection is reset."""
    await request.app[CRASH]()
    reset(request)


async def strike_body(request: web.Request, fault: Fault, body: Any) -> web.StreamResponse:
    """Answer a request that is no stream, wrongly, with a 200."""
    text = json.dumps(body).encode()
    half = text[: len(text) // 2]
    whole = {"garbage": b"<html>bad gateway</html>", "cut_json": half, "no_end": b"[]"}
    if fault.kind == "wrong_type":
        return web.json_response({"generated_text": 5, "choices": "none"})
    if fault.kind in whole:
        return web.Response(body=whole[fault.kind], content_type="application/json")
    if fault.kind == "crash":
        await die(request)
        return web.Response()
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(text)
    await response.prepare(request)
    await response.write(half)
    if fault.kind == "stall_between":
        await asyncio.sleep(fault.seconds)
        await response.write(text[len(half) :])
        return response
    reset(request)
    return response


async def strike_stream(
    request: web.Request, response: web.StreamResponse, fault: Fault, error: bytes
) -> bool:
    """Do it in the middle of a stream. Returns whether the stream goes on after it."""
    if fault.kind == "stall_between":
        await asyncio.sleep(fault.seconds)
        return True
    events = {
        "error_event": error,
        "garbage": b"data:<html>bad gateway</html>\n\n",
        "cut_json": b'data:{"index":3,"token":{"id":12,"te\n\n',
        "wrong_type": b'data:{"index":3,"token":"text","choices":7}\n\n',
    }
    if fault.kind in events:
        await response.write(events[fault.kind])
    elif fault.kind == "crash":
        await die(request)
    elif fault.kind == "reset_mid":
        reset(request)
    return False
