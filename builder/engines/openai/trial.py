"""One small request to `/v1/completions`, asked to learn whether a server takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from builder.engines.openai.answer import Piece, Reading, Usage
from builder.engines.remote.asking import patiently
from builder.engines.remote.errors import Where, refusal
from builder.engines.remote.http import Answer, Server
from builder.errors import EngineError, MagpieError, RowError

COMPLETIONS: Final = "/v1/completions"

REFUSED: Final = (400, 413, 422, 500, 501)
"""Statuses with which servers answer a request that has a field they do not take. 500 is among
them: some fail on it where they should refuse it."""

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Tried:
    """What came of a request. `tokens` is how many the server counts in the prompt; None: untold.

    `counted` says whether it tells how many it generated, and `text` is what that was. `refusal`
    is the server's word where the request was not taken.
    """

    tokens: int | None = None
    counted: bool = False
    refusal: MagpieError | None = None
    text: str = ""

    @property
    def taken(self) -> bool:
        """Whether it was answered with a completion."""
        return self.refusal is None


class Trial:
    """Sends requests for one token to a server. `model` is the name that they carry, if any."""

    def __init__(self, server: Server, where: Where, seconds: float, model: str | None) -> None:
        self.where = where
        self._server = server
        self._seconds = seconds
        self._base: dict[str, Any] = {"max_tokens": 1, "temperature": 1.0}
        if model is not None:
            self._base["model"] = model

    async def complete(self, fields: Fields) -> Tried:
        """Ask for one token with `fields`, or for as many as these say, not streamed.

        Raises `EngineError` when the answer is no completion, or refuses more than the fields.
        """
        answer = await self.post(COMPLETIONS, self._base | dict(fields))
        if answer.status != 200:
            return Tried(refusal=self.refusal(answer))
        try:
            piece = msgspec.json.decode(answer.body, type=Piece)
        except (msgspec.DecodeError, UnicodeDecodeError):
            piece = Piece()
        text = piece.choices[0].text if piece.choices else None
        if text is None:
            said = " ".join(answer.body[:200].decode("utf-8", "replace").split())
            raise EngineError(
                f"{self.where.address}{COMPLETIONS} answered no completion: {said}",
                mend="Is it an OpenAI-compatible server with raw completions, not only chat? "
                "Look at engine.kind and engine.endpoint.",
            )
        usage = piece.usage or Usage()
        return Tried(usage.prompt_tokens or None, bool(usage.completion_tokens), text=text)

    async def streamed(self, fields: Fields) -> Reading | None:
        """Ask for a stream of one token and return what was read of it; None: not taken."""

        async def ask() -> Reading | None:
            answer = await self.post(COMPLETIONS, self._base | dict(fields) | {"stream": True})
            reading = Reading(self.where)
            if answer.status == 200:
                reading.take_all(answer.body)
            return reading if answer.status == 200 else None

        try:
            return await patiently(ask)
        except RowError:  # an event said no
            return None

    async def maybe(self, path: str, body: Fields) -> Any:
        """Return the JSON that a path answers to `body`; None where it answers none."""
        encoded = msgspec.json.encode(body)
        return await self._json("POST", path, encoded)

    async def post(self, path: str, body: Fields) -> Answer:
        """Return an answer that is 200 or one of `REFUSED`. Raises `EngineError` for the rest."""
        encoded = msgspec.json.encode(body)

        async def ask() -> Answer:
            answer = await self._server.ask("POST", path, encoded, seconds=self._seconds)
            if answer.status == 200 or answer.status in REFUSED:
                return answer
            raise self.refusal(answer)

        return await patiently(ask)

    async def told(self, path: str) -> Any:
        """Return the JSON at a path; None where there is none."""

        return await self._json("GET", path, None)

    async def _json(self, method: str, path: str, body: bytes | None) -> Any:
        async def ask() -> Answer:
            return await self._server.ask(method, path, body, seconds=self._seconds)

        answer = await patiently(ask)
        try:
            return msgspec.json.decode(answer.body) if answer.status == 200 else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def refusal(self, answer: Answer) -> MagpieError:
        """What an answer that is not 200 means."""
        return refusal(self.where, answer)
