"""One engine of a pool: what it has in flight, whether it is there, how long it was idle."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from builder.engines.base import Engine
from builder.engines.pool.adapt import Limit
from builder.engines.pool.retry import RetryPolicy

DOUBTS = 3
"""Refused connections in a row, with no answer in between, that make a busy server count as away.

One that had nothing else in flight counts as away at once. A single reset among many requests
says nothing about the server.
"""

TOLD, UNTOLD = 96, 16
"""Requests to begin with, at a server that says how many it takes, and at one that does not.

One that says so has room for them; one that does not may have a handful of slots and let the
rest wait past their deadlines.
"""

UNLIMITED = 1024
"""Slots from which on a server is taken not to have told them."""


def _later(seconds: float, call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, call)


@dataclass(frozen=True)
class Timing:
    """The time that a pool lives by, in seconds: `later` calls something after so many."""

    clock: Callable[[], float] = time.monotonic
    later: Callable[[float, Callable[[], None]], None] = _later


class Lane:
    """An engine and the state of its server. `opened` is called when it takes requests again.

    `endpoint` is empty for an engine on this machine, which gets all its slots from the start:
    they are what it can do. `most` is how many requests all lanes together may have.
    """

    def __init__(
        self, engine: Engine, endpoint: str, most: int, policy: RetryPolicy, timing: Timing
    ) -> None:
        self.engine = engine
        self.endpoint = endpoint
        ceiling = max(1, min(engine.slots, most))
        start = (TOLD if engine.slots < UNLIMITED else UNTOLD) if endpoint else ceiling
        self.limit = Limit(min(start, ceiling), ceiling, timing.clock)
        self.in_flight = 0
        self.answers = 0
        self.away = False
        self.silent_since: float | None = None  # when it failed first since it last said anything
        self.opened: Callable[[], None] = lambda: None
        self._policy, self._timing = policy, timing
        self._doubts = 0  # refused connections since it last said anything
        self._shut = False  # takes nothing until a pause is over
        self._probed = False  # a request is on its way that was sent while it was away
        self._sent = 0  # probes so far
        self._probes = 0  # requests that found it away, or overloaded by others, in a row
        self._trusted = True  # a request that is not refused shows that it is back
        self._idle = self._there = 0.0  # seconds
        self._looked: float | None = None  # until when those two are counted

    @property
    def takes(self) -> bool:
        """Whether it may get another request now. One that is away gets one now and then."""
        if self._shut or self.away:
            return not (self._shut or self._probed)
        return self.in_flight < self.limit.now

    def load(self) -> float:
        """How full it is: what it has in flight for what it may have."""
        return self.in_flight / self.limit.now

    @property
    def idle_share(self) -> float | None:
        """Share of the time in which it had nothing from us, 0 to 1; away does not count."""
        self._look()
        return self._idle / self._there if self._there else None

    def begin(self) -> None:
        """Count idle time from now on."""
        if self._looked is None:
            self._looked = self._timing.clock()

    def enter(self) -> bool:
        """Send it a request. Returns whether that is a probe: it was away until now."""
        if not self.in_flight:
            self._look()
        self.in_flight += 1
        if self.away:
            self._probe()
        return self.away

    def leave(self, *, probe: bool) -> None:
        """A request has ended, however."""
        if self.in_flight == 1:
            self._look()
        self.in_flight -= 1
        if probe:
            self._probed = False

    def answered(self, tokens: int) -> None:
        """A request was answered."""
        self.answers += 1
        self.limit.answered(tokens, full=self.in_flight >= self.limit.now)
        if self._probes or self._doubts or self.away:
            self.complained()
            self._probes, self._trusted = 0, True

    def complained(self) -> None:
        """It said something, be it an error: it is there."""
        self.silent_since, self._doubts = None, 0
        if self.away:
            self._probes = 0
            self._return()

    def refused(self) -> None:
        """It has too much to do. Where none of that is ours, it is left alone for a while."""
        self.complained()
        others = self.in_flight - 1
        self.limit.refused(others)
        if not others:
            self._pause(self._policy.pause(self._probes))
            self._probes += 1

    def stalled(self, sent_at: int, answers: int) -> None:
        """A request got no answer in time; it was sent at this limit, after so many answers.

        When the server answered nobody else since, it may hang altogether: then it counts as away
        until it answers.
        """
        self.limit.stalled(sent_at)
        if self.answers == answers:
            self._trusted = False
            self._silent()
            self._leave_alone(0.0)

    def vanished(self, *, probe: bool) -> None:
        """It refused the connection, or cut it before an answer."""
        self._silent()
        self._doubts += 1
        lost = not self.away and (self.in_flight == 1 or self._doubts >= DOUBTS)
        if lost or (self.away and probe):
            self._leave_alone(self._policy.probe(self._probes))
            self._probes += 1

    def _silent(self) -> None:
        if self.silent_since is None:
            self.silent_since = self._timing.clock()

    def _leave_alone(self, seconds: float) -> None:
        if not self.away:
            self._look()
            self.away = True
        if seconds:
            self._pause(seconds)

    def _pause(self, seconds: float) -> None:
        if not self._shut:
            self._shut = True
            self._timing.later(seconds, self._open)

    def _open(self) -> None:
        self._shut = False
        self.opened()

    def _probe(self) -> None:
        """A request is on its way to a server that was away: is it still there in a while?"""
        self._probed = True
        self._sent += 1
        number = self._sent

        def survived() -> None:
            if self.away and self._probed and self._sent == number:
                self._trusted = False  # until it answers: it may accept and hang
                self._return()
                self.opened()

        if self._trusted:
            self._timing.later(self._policy.survival, survived)

    def _return(self) -> None:
        self._look()
        self.away = False

    def _look(self) -> None:
        """Count the time since the last look under what was the case since."""
        if self._looked is None:
            return
        now = self._timing.clock()
        if not self.away:
            self._there += now - self._looked
            self._idle += (now - self._looked) * (not self.in_flight)
        self._looked = now
