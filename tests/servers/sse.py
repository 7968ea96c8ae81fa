"""Server-sent events as TGI's web framework writes them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from aiohttp import web

_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def event(data: Any) -> bytes:
    """`data:{...}` and an empty line; no blank after the colon."""
    return b"data:" + _encoder.encode(data).encode() + b"\n\n"


class EventStream(web.StreamResponse):
    """An answer that is a stream of events."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        fixed = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        super().__init__(headers={**fixed, **headers})

    @contextlib.asynccontextmanager
    async def kept_alive(self, seconds: float) -> AsyncGenerator[None]:
        """Write an empty comment whenever that long passed, as the framework does."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(seconds)
                await self.write(b":\n\n")

        keeping = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await keeping
