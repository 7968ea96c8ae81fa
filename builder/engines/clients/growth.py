"""When one process is too little to speak to the servers: the decision, without the processes.

One process handles some 33,000 tokens a CPU-second that are streamed one event at a time, and
400,000 in answers that come whole (`make bench`). A GPU writes a few thousand tokens a second, and
nearly all of them in responses, which come whole: only many GPUs at once ever need another process.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Clock = Callable[[], float]
"""Seconds, of the time or of a CPU."""

BUSY: Final = 0.8
"""Share of a core above which a thread is taken to hold the servers up: an event loop that is
busier lets what has come wait."""


@dataclass(frozen=True)
class GrowthRule:
    """When to grow: at most to `most` processes, looking `every` so many seconds.

    It takes a share above `share` of a core, smoothed over `seconds`: a thread that works without
    a pause gets there in 1.6 times as long.
    """

    most: int
    share: float = BUSY
    every: float = 1.0
    seconds: float = 3.0


class Load:
    """The share of a core that a thread uses, smoothed; time without requests is left out."""

    def __init__(self, cpu: Clock, clock: Clock, seconds: float) -> None:
        self.share = 0.0
        self._cpu, self._clock, self._seconds = cpu, clock, seconds
        self._used, self._at = cpu(), clock()

    def look(self, *, busy: bool) -> None:
        """Count the time since the last look; `busy` says whether requests are in flight."""
        used, at = self._cpu(), self._clock()
        passed, worked = at - self._at, used - self._used
        self._used, self._at = used, at
        if busy and passed > 0:
            self.share -= (worked / passed - self.share) * math.expm1(-passed / self._seconds)


class Growth:
    """Says when to start one more process, from the CPU time of those that take requests.

    At first that is this thread, whose CPU time is `cpu`; then it is the processes alone.
    """

    def __init__(
        self, rule: GrowthRule, cpu: Clock = time.thread_time, clock: Clock = time.monotonic
    ) -> None:
        self._rule = rule
        self._clock = clock
        self._here = [Load(cpu, clock, rule.seconds)]
        self._processes: list[Load] = []

    @property
    def full(self) -> bool:
        """Whether there are as many processes as there may be."""
        return len(self._processes) >= self._rule.most

    def look(self, *, busy: bool) -> bool:
        """Whether to start one more now: all that take requests are too busy."""
        takers = self._processes or self._here
        for load in takers:
            load.look(busy=busy)
        return not self.full and all(load.share > self._rule.share for load in takers)

    def joined(self, cpu: Clock) -> None:
        """A process takes requests from now on; `cpu` is its CPU time."""
        self._processes.append(Load(cpu, self._clock, self._rule.seconds))
