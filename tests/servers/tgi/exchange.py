"""One request and its answer, whatever the route: counting it, its fault, its events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from aiohttp import web

from tests.servers.faults import Fault
from tests.servers.log import RequestLog
from tests.servers.sse import EventStream
from tests.servers.strike import WITHIN, strike_stream
from tests.servers.tgi.model import Model
from tests.servers.tgi.validation import RefusalError, failed, incomplete, overloaded

MODEL = web.AppKey("model", Model)
LOG = web.AppKey("log", RequestLog)
KEEP_ALIVE = web.AppKey("keep_alive", float)

UNAVAILABLE = RefusalError(503, "healthcheck", "unhealthy")

AT_ONCE = {
    "overloaded": overloaded(),
    "refused": overloaded(),
    "generation": failed(),
    "incomplete": incomplete(),
    "unavailable": UNAVAILABLE,
}
"""Faults that are an error and nothing else."""


BEFORE_STREAMS = ("refused", "unavailable")
"""Those that come as a status where TGI itself would send an event."""


async def entered(request: web.Request, body: dict[str, Any]) -> Fault | None:
    """Count a request, and begin the fault that it meets."""
    request.app[MODEL].figures.requests += 1
    fault = request.app[LOG].enter(request.path, body)
    if fault is not None and fault.kind in AT_ONCE:
        raise AT_ONCE[fault.kind]
    if fault is not None and fault.kind == "stall_first":
        await asyncio.sleep(fault.seconds)
    return fault


async def send(request: web.Request, events: list[bytes]) -> web.StreamResponse:
    async def all_of_them() -> AsyncGenerator[bytes]:
        for one in events:
            yield one

    return await send_events(request, all_of_them(), None, b"")


async def send_events(
    request: web.Request, events: AsyncGenerator[bytes], fault: Fault | None, error: bytes
) -> web.StreamResponse:
    """Write each event as it comes, and let the fault strike after some of them."""
    response = EventStream({"X-Accel-Buffering": "no", "x-compute-type": "cpu"})
    within = fault if fault is not None and fault.kind in WITHIN else None
    sent = 0
    async with contextlib.aclosing(events):
        await response.prepare(request)
        async with response.kept_alive(request.app[KEEP_ALIVE]):
            async for one in events:
                # A short text has its last event here: a fault that was announced still strikes.
                if within is not None and (sent == within.after or not goes_on(one)):
                    if not await strike_stream(request, response, within, error):
                        return response
                    within = None
                await response.write(one)
                sent += 1
    return response


def goes_on(one: bytes) -> bool:
    """Whether an event is a token that is not the last one."""
    return b'"generated_text":null' in one or b'"finish_reason":""' in one
