"""What these servers share: the log of requests, faults, the thread, the key."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from tests.servers.faults import Plan
from tests.servers.log import Asked, RequestLog, injected
from tests.servers.serving import ServerThread
from tests.servers.strike import WITHIN, hang_up, strike_body

Answer = Callable[[dict[str, Any]], object]
"""Body of a request -> the JSON of its answer. Raises `AnsweredError`."""


class AnsweredError(Exception):
    """An error of the server's: its status and its body, JSON or text."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


def response(error: AnsweredError) -> web.Response:
    if isinstance(error.body, str):
        return web.Response(status=error.status, text=error.body)
    return web.json_response(error.body, status=error.status)


class JudgingServer(ServerThread):
    """A server whose routes are functions: `routes` gives path -> what it answers.

    `faults` are struck on requests to the routes in `judging`, with `failures` as words.
    """

    judging: tuple[str, ...] = ()
    failures: ClassVar[Mapping[str, AnsweredError]] = {}
    no_route = AnsweredError(404, {"detail": "Not Found"})

    def __init__(self, faults: Plan | None, api_key: str | None) -> None:
        super().__init__(self._made)
        self._api_key = api_key
        self._log = RequestLog(faults)

    def routes(self) -> dict[str, Answer]:
        raise NotImplementedError

    def told(self) -> dict[str, Any]:
        """Path -> JSON of what is told to a GET."""
        return {}

    @property
    def requests(self) -> list[Asked]:
        """Everything that was posted, in the order of arrival."""
        return list(self._log.asked)

    @property
    def injected(self) -> Counter[str]:
        return injected(self._log.asked)

    def _made(self) -> tuple[web.Application, Callable[[], None]]:
        app = web.Application(client_max_size=2**26, middlewares=[self._in_its_words])
        for path, answer in self.routes().items():
            app.router.add_post(path, self._posted(path, answer))
        for path, told in self.told().items():
            app.router.add_get(path, _telling(told))
        return app, lambda: None

    def _posted(
        self, path: str, answer: Answer
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = json.loads(await request.read())
            if path not in self.judging:
                return web.json_response(answer(body))
            fault = self._log.enter(path, body)
            if fault is not None and fault.kind in self.failures:
                raise self.failures[fault.kind]
            if fault is not None and fault.kind == "reset_before":
                return await hang_up(request)
            if fault is not None and fault.kind == "stall_first":
                await asyncio.sleep(fault.seconds)
            found = answer(body)
            if fault is not None and fault.kind in WITHIN:
                return await strike_body(request, fault, found)
            return web.json_response(found)

        return handle

    @web.middleware
    async def _in_its_words(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        wanted = f"Bearer {self._api_key}"
        if self._api_key and request.headers.get("Authorization") != wanted:
            return web.json_response({"error": "Unauthorized"}, status=401)
        try:
            return await handler(request)
        except AnsweredError as error:
            return response(error)
        except web.HTTPNotFound:
            return response(self.no_route)
        except ConnectionError:  # the client hung up, or a fault did
            return web.Response()


def _telling(told: Any) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response(told)

    return handle


Kind = TypeVar("Kind", bound=JudgingServer)


@contextlib.contextmanager
def started(server: Kind) -> Iterator[Kind]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
