"""What a preflight found, as run.json, the facts and the card keep it: no times, no addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from builder.engines.base import Completion, FinishReason

LONGEST_TEXT: Final = 280
"""Characters of a sample that are kept in JSON: twenty of them stay a few kilobytes."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what, what was found, and whether that is as it should be.

    What must not be is an error, not a check; one that is not `fine` is for people to look at.
    """

    check: str
    found: str
    fine: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the values by name."""
        return {"check": self.check, "found": self.found, "fine": self.fine}


@dataclass(frozen=True, slots=True)
class Sample:
    """One instruction that was sampled, or the reason why none came: then `finish_reason` is None.

    `room` is how many tokens it might have had.
    """

    text: str
    finish_reason: FinishReason | None
    tokens: int
    room: int
    error: str = ""

    @classmethod
    def of(cls, completion: Completion, room: int) -> Sample:
        """The sample that a completion is."""
        return cls(completion.text, completion.finish_reason, completion.tokens, room)

    @property
    def answered(self) -> bool:
        """Whether a completion came, be it empty."""
        return self.finish_reason is not None

    def to_json(self) -> dict[str, Any]:
        """Return what people look at; a long text is shortened, a failed sample has its reason."""
        value = {
            "text": shortened(self.text, LONGEST_TEXT),
            "finish_reason": self.finish_reason,
            "tokens": self.tokens,
        }
        return value | ({"error": shortened(self.error, LONGEST_TEXT)} if self.error else {})


@dataclass(frozen=True)
class TokenFacts:
    """What is known of the tokens that the pre-query prompt becomes.

    `token_ids` and `bos_count` are None where nobody could tell. `told_by_server` says whether
    every engine's server told its ids itself; else they are the tokenizer's.
    """

    token_ids: tuple[int, ...] | None
    bos_count: int | None
    told_by_server: bool
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Preflight:
    """What an engine showed before anything was spent on it."""

    tokens: TokenFacts
    samples: tuple[Sample, ...]
    sample_checks: tuple[Check, ...]
    model_check: Check | None = None
    engines: tuple[Mapping[str, Any], ...] = ()
    """What servers say of themselves, and what was probed; empty for engines of this machine."""

    @property
    def checks(self) -> tuple[Check, ...]:
        """All that was looked at, in its order."""
        model = (self.model_check,) if self.model_check else ()
        return (*model, *self.tokens.checks, *self.sample_checks)

    @property
    def fine(self) -> bool:
        """Whether nothing is left for people to look at."""
        return all(check.fine for check in self.checks)

    @property
    def end_of_turn(self) -> float | None:
        """Share of the answered samples that ended by themselves or at a stop; None: no samples."""
        answered = [sample for sample in self.samples if sample.answered]
        stopped = sum(sample.finish_reason == "stop" for sample in answered)
        return round(stopped / len(answered), 3) if answered else None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values: the same for the same samples."""
        ids = self.tokens.token_ids
        return {
            "checks": [check.to_json() for check in self.checks],
            "token_ids": None if ids is None else list(ids),
            "bos_count": self.tokens.bos_count,
            "told_by_server": self.tokens.told_by_server,
            "end_of_turn": self.end_of_turn,
            "finish_reasons": reasons(self.samples),
            "samples": [sample.to_json() for sample in self.samples],
            "engines": [dict(engine) for engine in self.engines],
        }


def reasons(samples: Sequence[Sample]) -> dict[str, int]:
    """How often each finish reason was told, in the order of their names; failures are `error`."""
    return dict(sorted(Counter(sample.finish_reason or "error" for sample in samples).items()))


def shortened(text: str, longest: int) -> str:
    """Return the text, or its beginning with an ellipsis: `longest` characters in all.

    >>> shortened("Why is the sky blue?", 10)
    'Why is th…'
    """
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
