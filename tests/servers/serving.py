"""A server in a thread of the test, on a port of 127.0.0.1 that nobody else has."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from aiohttp import web

from tests.servers.strike import CRASH

Build = Callable[[], tuple[web.Application, Callable[[], None]]]
"""Makes the application, and what closes that which stands behind it."""

Result = TypeVar("Result")
LONGEST = 30.0


class ServerThread:
    """Runs an application. `crash` drops it and brings it back on the same port after `pause` s."""

    def __init__(self, build: Build, *, pause: float = 0.2) -> None:
        self._build = build
        self._pause = pause
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._main, daemon=True, name="test server")
        self._port = 0
        self._up = False
        self.crashes = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._thread.start()
        if not self._ready.wait(LONGEST):
            raise TimeoutError("the test server did not start")
        if self._failed is not None:
            raise self._failed

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(LONGEST)

    def call(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Run something in the server's event loop and wait for it."""

        async def main() -> Result:
            return await work()

        return asyncio.run_coroutine_threadsafe(main(), self._loop).result(LONGEST)

    async def crash(self) -> None:
        """Drop all connections and close the port; be back after the pause."""
        if not self._up:  # two requests may ask for it at once
            return
        self.crashes += 1
        await self._drop()
        self._loop.call_later(self._pause, lambda: asyncio.ensure_future(self._listen()))

    async def go(self) -> None:
        """Drop all connections and close the port for good: `server.call(server.go)`."""
        await self._drop()

    async def _drop(self) -> None:
        if not self._up:
            return
        self._up = False
        await self._site.stop()
        for connection in list(self._runner.server.connections if self._runner.server else ()):
            if connection.transport is not None:
                connection.transport.abort()

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._failed = error
            self._ready.set()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        app, close = self._build()
        app[CRASH] = self.crash
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await self._runner.setup()
        await self._listen()
        self._ready.set()
        await self._stopping.wait()
        await self._drop()
        await self._runner.cleanup()
        close()

    async def _listen(self) -> None:
        if self._stopping.is_set():
            return
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await self._site.start()
        self._up = True
        if self._port == 0:
            self._port = self._runner.addresses[0][1]


@contextlib.contextmanager
def serving(server: ServerThread) -> Iterator[ServerThread]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
