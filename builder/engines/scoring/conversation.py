"""What is scored: an instruction and its response, as the text that a pool of requests carries.

    scoring_prompt("Why?", "Because.")     '{"instruction":"Why?","response":"Because."}'
    score_in("-1.25")                      -1.25

`ScoringEngine.stream` takes the one as its prompt and answers the other as its only chunk.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from builder.engines.base import SamplingParams
from builder.errors import RowError

SCORING: Final = SamplingParams(temperature=0.0, top_p=1.0, max_tokens=1, seed=0, whole=True)
"""The parameters of every request for a score. A score counts as one token, so the speed that a
pool measures is scores a second."""

SLOTS: Final = re.compile(r"\{(instruction|response)\}")
"""The slots of a template."""


class Conversation(msgspec.Struct, frozen=True):
    """What a reward model judges."""

    instruction: str
    response: str

    def turns(self) -> list[dict[str, str]]:
        """It as messages, for a server that puts the model's chat template around them."""
        return [
            {"role": "user", "content": self.instruction},
            {"role": "assistant", "content": self.response},
        ]

    def rendered(self, template: str) -> str:
        """It within a template. A slot's name inside of a text of ours stays as it is."""
        return SLOTS.sub(lambda slot: str(getattr(self, slot.group(1))), template)


def scoring_prompt(instruction: str, response: str) -> str:
    """Return the prompt that asks for the score of a response.

    Raises `RowError` for half a surrogate pair: no server could be sent it.
    """
    try:
        return msgspec.json.encode(Conversation(instruction, response)).decode()
    except UnicodeEncodeError as error:
        raise RowError(f"the text cannot be sent: {error.reason} at {error.start}") from error


def score_in(completion: str) -> float:
    """Return the score in what the engine answered to `scoring_prompt`."""
    return msgspec.json.decode(completion, type=float)
