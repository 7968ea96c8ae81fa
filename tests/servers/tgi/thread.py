"""TGI in a thread of the test."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web

from tests.servers.authors import Author, ScriptedAuthor
from tests.servers.faults import Plan
from tests.servers.log import Asked, RequestLog, injected
from tests.servers.serving import ServerThread
from tests.servers.tgi.app import make_app
from tests.servers.tgi.limits import Limits
from tests.servers.tgi.model import Figures, Model


class TgiServer(ServerThread):
    """See `tgi_server`."""

    def __init__(
        self,
        author: Callable[[], Author],
        limits: Limits,
        faults: Plan | None,
        *,
        pause: float,
        keep_alive: float,
    ) -> None:
        super().__init__(self._made, pause=pause)
        self.limits = limits
        self._author = author
        self._keep_alive = keep_alive
        self._log = RequestLog(faults)

    def _made(self) -> tuple[web.Application, Callable[[], None]]:
        author = self._author()
        self._model = Model(author, self.limits)
        return make_app(self._model, self._log, self._keep_alive), author.close

    @property
    def requests(self) -> list[Asked]:
        """Everything that was asked to generate, in the order of arrival."""
        return list(self._log.asked)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [one.body for one in self._log.asked]

    @property
    def injected(self) -> Counter[str]:
        """How often each kind of fault struck."""
        return injected(self._log.asked)

    def be_healthy(self, healthy: bool) -> None:
        """Whether `/health` says 200, else 503."""
        self._model.healthy = healthy

    @property
    def figures(self) -> Figures:
        """In flight, queue, batch, successes, failures: live."""
        return self._model.figures


@contextlib.contextmanager
def tgi_server(
    author: Callable[[], Author] = ScriptedAuthor,
    limits: Limits | None = None,
    faults: Plan | None = None,
    *,
    pause: float = 0.2,
    keep_alive: float = 15.0,
) -> Iterator[TgiServer]:
    """A TGI in a thread. `author` makes the author: `ScriptedAuthor`, `LlamaAuthor` or a lambda.

    `faults` is a `FaultPlan` or any function from a request's number. A crash closes the port for
    `pause` seconds.
    """
    server = TgiServer(author, limits or Limits(), faults, pause=pause, keep_alive=keep_alive)
    server.start()
    try:
        yield server
    finally:
        server.stop()
