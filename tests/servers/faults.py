"""What goes wrong, and when: a plan that a server asks once a request.

A plan is a dictionary, so it passes through a command line too:

    {"seed": 7, "mix": {"overloaded": 0.05, "reset_mid": 0.02}, "numbered": {"3": "crash"},
     "seconds": 60, "first": 0, "until": 500}

`mix` gives each kind a probability; `numbered` gives a request, counted from 0, its kind for
certain. Whether request N fails and how follows from (seed, N) alone. `seconds` is how long a
stall lasts; only requests from `first` to before `until` are struck.

    kind           what the client sees
    overloaded     429; in a stream an event with error_type overloaded, in a 200, as TGI does it
    refused        429 before a stream too, as a proxy in front of TGI does it
    generation     424, or such an event at the start of a stream
    incomplete     500, or such an event at the start of a stream
    unavailable    503
    reset_before   the connection is reset before any answer
    reset_mid      ... after some tokens, or within the body
    stall_first    nothing comes, for `seconds`
    stall_between  nothing more comes after some tokens; without a stream: after half of the body
    error_event    an event with an error after some tokens; without a stream: as `generation`
    garbage        an event that is no JSON; without a stream: a body that is none
    cut_json       an event, or a body, that is half of one
    wrong_type     an event, or a body, that is JSON of another shape
    no_end         the stream ends properly, without its last event; or an empty list for a body
    crash          the server dies at once, after some tokens, and all that is in flight with it
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = (
    "overloaded", "refused", "generation", "incomplete", "unavailable", "reset_before",
    "reset_mid", "stall_first", "stall_between", "error_event", "garbage", "cut_json",
    "wrong_type", "no_end", "crash",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One fault. `after` is how many tokens are sent before it, where it strikes within."""

    kind: str
    after: int = 2
    seconds: float = 60.0


Plan = Callable[[int], Fault | None]
"""Request number, from 0 -> what goes wrong with it."""


@dataclass
class FaultPlan:
    """See the module. `FaultPlan(mix={...})` in a test, `FaultPlan.read({...})` from JSON."""

    mix: Mapping[str, float] = field(default_factory=dict)
    numbered: Mapping[int, str] = field(default_factory=dict)
    seed: int = 0
    seconds: float = 60.0
    first: int = 0
    until: int | None = None

    def __post_init__(self) -> None:
        unknown = {*self.mix, *self.numbered.values()} - set(KINDS)
        if unknown or sum(self.mix.values()) > 1:
            raise ValueError(
                f"no such faults: {sorted(unknown)}, or more than 1 in all: {self.mix}"
            )

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> FaultPlan:
        numbered = {int(number): kind for number, kind in told.get("numbered", {}).items()}
        return cls(**{**told, "numbered": numbered})

    def told(self) -> dict[str, Any]:
        """What `read` takes."""
        numbered = {str(number): kind for number, kind in self.numbered.items()}
        return {**vars(self), "mix": dict(self.mix), "numbered": numbered}

    def __call__(self, number: int) -> Fault | None:
        draw = random.Random(f"{self.seed}/{number}")
        kind = self.numbered.get(number) or self._drawn(number, draw.random())
        return Fault(kind, draw.randint(1, 4), self.seconds) if kind else None

    def _drawn(self, number: int, chance: float) -> str | None:
        if number < self.first or (self.until is not None and number >= self.until):
            return None
        for kind, probability in self.mix.items():
            chance -= probability
            if chance < 0:
                return kind
        return None
