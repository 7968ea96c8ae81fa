"""A server of `/v1/completions` in a thread of the test."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web

from tests.servers.authors import Author, ScriptedAuthor
from tests.servers.faults import Plan
from tests.servers.log import Asked, RequestLog, injected
from tests.servers.openai.app import Service, make_app
from tests.servers.openai.dialects import VLLM, Dialect
from tests.servers.openai.writing import Writer
from tests.servers.serving import ServerThread

MODEL = "demo/model"


class OpenAIServer(ServerThread):
    """See `openai_server`."""

    def __init__(
        self,
        dialect: Dialect,
        author: Callable[[], Author],
        faults: Plan | None,
        *,
        context: int,
        api_key: str | None,
    ) -> None:
        super().__init__(self._made)
        self.dialect = dialect
        self.model = MODEL
        self._author = author
        self._context = context
        self._api_key = api_key
        self._log = RequestLog(faults)

    def _made(self) -> tuple[web.Application, Callable[[], None]]:
        author = self._author()
        self._writer = Writer(author, self.dialect)
        service = Service(
            self.dialect, self._writer, self._log, MODEL, self._context, self._api_key
        )
        return make_app(service), author.close

    @property
    def requests(self) -> list[Asked]:
        """Everything that was let in, in the order of arrival."""
        return list(self._log.asked)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [one.body for one in self._log.asked]

    @property
    def injected(self) -> Counter[str]:
        return injected(self._log.asked)

    @property
    def writing(self) -> int:
        """Texts that are being written now."""
        return self._writer.writing


@contextlib.contextmanager
def openai_server(
    dialect: Dialect = VLLM,
    author: Callable[[], Author] = ScriptedAuthor,
    faults: Plan | None = None,
    *,
    context: int = 2048,
    api_key: str | None = None,
) -> Iterator[OpenAIServer]:
    """A server that speaks a dialect. `context` is its longest prompt and text, in tokens."""
    server = OpenAIServer(dialect, author, faults, context=context, api_key=api_key)
    server.start()
    try:
        yield server
    finally:
        server.stop()
