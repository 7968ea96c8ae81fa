"""Asks a server of a reward model for scores, to learn how it wants to be asked."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from builder.engines.openai.trial import Fields
from builder.engines.remote.asking import patiently
from builder.engines.remote.errors import Where, refusal
from builder.engines.remote.http import Answer, Server
from builder.engines.scoring.conversation import Conversation
from builder.engines.scoring.routes import Outputs, Route
from builder.errors import BrokenStreamError, EngineError, MagpieError, RowError

NOT_TAKEN: Final = (400, 404, 405, 413, 415, 422, 424, 500, 501)
"""Statuses with which servers answer what they cannot do: no such route or model, a field that is
unknown, a model of another kind (424 in TEI). 500 is among them: some fail where they should
refuse."""

NOT_FINITE: Final = (b"score is NaN", b"Out of range float values are not JSON compliant")
"""Words of TEI (424, `predict` in its server.rs) and of Python's JSON encoder (500) for a score
that is no number: asking again would bring the same."""

KEY: Final = (
    "Put its key into an environment variable and name that one beside the endpoint, as "
    "`api_key_env: NAME`."
)


@dataclass(frozen=True)
class Tongue:
    """How a server is asked: a route, the template for a text, fields of every request."""

    route: Route
    template: str | None
    fields: Fields

    def body(self, conversation: Conversation) -> bytes:
        """The body of a request for the score of a conversation."""
        said: object = conversation.turns()
        if not self.route.turns:
            said = conversation.rendered(self.template or "{instruction}\n\n{response}")
        return msgspec.json.encode({**self.fields, **self.route.fields, self.route.takes: said})

    def extended(self, fields: Fields) -> Tongue:
        """The same with more fields."""
        return Tongue(self.route, self.template, {**self.fields, **fields})


class Questions:
    """Sends single questions to a server; what is busy is asked again for some seconds."""

    def __init__(self, server: Server, where: Where, seconds: float) -> None:
        self.where = where
        self._server = server
        self._seconds = seconds

    async def outputs(self, tongue: Tongue, conversation: Conversation) -> Outputs | str:
        """The outputs for a conversation, or in words why there are none.

        Raises `EngineError` when the server does not answer, or wants another key.
        """
        answer = await self.post(tongue.route.path, tongue.body(conversation))
        if answer.status != 200:
            return refusal(self.where, answer).message
        return outputs_in(answer, tongue.route) or f"200, and no score: {_begin(answer.body)}"

    async def post(self, path: str, body: bytes) -> Answer:
        """Return an answer that is 200 or one of `NOT_TAKEN`. Raises `EngineError` for the rest."""

        async def ask() -> Answer:
            answer = await self._server.ask("POST", path, body, seconds=self._seconds)
            if answer.status == 200 or answer.status in NOT_TAKEN:
                return answer
            raise refused(self.where, answer)

        return await patiently(ask)


def refused(where: Where, answer: Answer) -> MagpieError:
    """The error for an answer that is not 200."""
    if any(words in answer.body for words in NOT_FINITE):
        return RowError(f"{where.address} made a score that is no finite number")
    error = refusal(where, answer)
    if answer.status in (401, 403, 407) and where.key_from is None:
        return EngineError(error.message, mend=KEY)
    return error


def outputs_in(answer: Answer, route: Route) -> Outputs | None:
    """The outputs in an answer whose status is 200; None where there are none."""
    try:
        told: Any = json.loads(answer.body)  # it reads NaN and Infinity, which some servers write
    except ValueError:
        return None
    found = route.read(told)
    return found if found is not None and found.values else None


def score_of(answer: Answer, route: Route, where: Where) -> float:
    """The score in an answer whose status is 200.

    Raises `BrokenStreamError` for what is no such answer, `RowError` for a score that is no finite
    number, `EngineError` where there are several.
    """
    found = outputs_in(answer, route)
    if found is None:
        raise BrokenStreamError(f"{where.address} sent what is no score: {_begin(answer.body)}")
    refuse_several(found, where)
    (value,) = found.values
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RowError(f"{where.address} answered {value} as a score, which is no finite number")
    return float(value)


def refuse_several(found: Outputs, where: Where) -> None:
    """Raise `EngineError` where a model has more than one output."""
    if len(found.values) == 1:
        return
    raise EngineError(
        f"the model at {where.address} has {len(found.values)} outputs, and a reward is one number",
        mend="Serve a reward model with a single output, one whose config.json says num_labels 1, "
        "such as sfairXC/FsfairX-LLaMA3-RM-v0.1. Embedding models and classifiers are none.",
    )


def _begin(body: bytes) -> str:
    return " ".join(body[:120].decode("utf-8", "replace").split())
