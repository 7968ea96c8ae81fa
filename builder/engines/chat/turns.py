"""The turns of a chat, as the text that a pool of requests carries.

chat_prompt([("user", "Why?")])        '{"turns":[["user","Why?"]]}'
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from builder.engines.base import SamplingParams
from builder.errors import RowError


class Turns(msgspec.Struct, frozen=True):
    """(role, content) pairs; roles are those of the model's chat template, user and assistant."""

    turns: tuple[tuple[str, str], ...]

    def messages(self) -> list[dict[str, str]]:
        """It as a server takes it."""
        return [{"role": role, "content": content} for role, content in self.turns]


def chat_prompt(turns: Sequence[tuple[str, str]]) -> str:
    """Return the prompt that asks for the next turn.

    Raises `RowError` for half a surrogate pair: no server could be sent it.
    """
    try:
        return msgspec.json.encode(Turns(tuple(turns))).decode()
    except UnicodeEncodeError as error:
        raise RowError(f"the text cannot be sent: {error.reason} at {error.start}") from error


def chat_params(max_tokens: int) -> SamplingParams:
    """Return the parameters of a greedy answer of at most `max_tokens`."""
    return SamplingParams(temperature=0.0, top_p=1.0, max_tokens=max_tokens, seed=0, whole=True)
