"""What each stage uses: rows, tokens, time, and its share of the GPUs.

Stages share an engine, so its time is dealt out among them by the requests that each has under
way, moment by moment: all shares together are the time that went by.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass


@dataclass
class Use:
    """What a stage used. `tokens_in` is None where nobody can count a prompt."""

    rows: int = 0
    tokens_in: int | None = 0
    tokens_out: int = 0
    seconds: float = 0.0
    gpu_seconds: float = 0.0


class Meter:
    """Counts what stages use. `gpus` are those of the recipe's engine, 0 where it has none."""

    def __init__(self, gpus: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self.gpus = gpus
        self.uses: defaultdict[str, Use] = defaultdict(Use)
        self._clock = clock
        self._under_way: Counter[str] = Counter()  # of the recipe's engine
        self._elsewhere: Counter[str] = Counter()  # of other servers
        self._looked = clock()

    @contextlib.contextmanager
    def request(self, stage: str, *, own: bool) -> Iterator[None]:
        """Count a request while it is under way; `own`: at the recipe's own engine."""
        requests = self._under_way if own else self._elsewhere
        self._share_out()
        requests[stage] += 1
        try:
            yield
        finally:
            self._share_out()
            requests[stage] -= 1
            if not requests[stage]:
                del requests[stage]

    @contextlib.contextmanager
    def computing(self, stage: str) -> Iterator[None]:
        """Count time in which this machine computes for a stage."""
        start = self._clock()
        try:
            yield
        finally:
            self.uses[stage].seconds += self._clock() - start

    def tokens(self, stage: str, prompt: int | None, generated: int) -> None:
        """Count the tokens of one answer; `prompt` is None where nobody can tell."""
        use = self.uses[stage]
        use.tokens_out += generated
        unknown = prompt is None or use.tokens_in is None
        use.tokens_in = None if unknown else (use.tokens_in or 0) + (prompt or 0)

    def row(self, stage: str) -> None:
        """Count a row that a stage has finished."""
        self.uses[stage].rows += 1

    def told(self) -> dict[str, dict[str, object]]:
        """What all stages have used so far, as plain values."""
        self._share_out()
        return {
            stage: {
                name: round(value, 3) if isinstance(value, float) else value
                for name, value in asdict(use).items()
            }
            for stage, use in self.uses.items()
        }

    def _share_out(self) -> None:
        """Deal out the time since the last look."""
        now = self._clock()
        elapsed, self._looked = now - self._looked, now
        for requests, gpus in ((self._under_way, self.gpus), (self._elsewhere, 0)):
            together = requests.total()
            for stage, number in requests.items():
                share = elapsed * number / together
                self.uses[stage].seconds += share
                self.uses[stage].gpu_seconds += share * gpus
