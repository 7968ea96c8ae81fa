"""One pool of requests over one engine: bounded, refilled as answers come, retried by error type.

| error | what the pool does |
|---|---|
| `OverloadedError` | one request fewer in flight, asks again after a pause; never loses the row |
| `UnavailableError` | asks again after a pause, until the server has been away for `patience` |
| `BrokenStreamError` | asks again at once, up to `attempts` times, then gives the row up |
| other `RetryError` | asks again after a pause, up to `attempts` times, then gives the row up |
| `RowError` | gives the row up with its reason |
| `StopError` | lets it through: nothing more can succeed |
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from builder.engines.base import Completion, Engine, SamplingParams, complete
from builder.engines.gate import Gate
from builder.errors import (
    BrokenStreamError,
    EngineError,
    OverloadedError,
    RetryError,
    RowError,
    UnavailableError,
)


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long to ask again. Times in seconds."""

    attempts: int = 4  # asks of one request, for errors that concern this request
    first_pause: float = 0.5  # doubled with every pause of one request
    longest_pause: float = 20.0
    patience: float = 300.0  # how long a server may be away before the run stops

    def pause(self, number: int) -> float:
        """Seconds that pause number `number` of one request takes, counted from 0."""
        doubled = self.first_pause * 2 ** min(number, 64)  # no float holds 2**1024
        return float(min(doubled, self.longest_pause))


class Pool:
    """Asks an engine, never more than `limit` requests at once.

    The limit shrinks when the server is overloaded, and grows back up to `ceiling` as it answers.
    """

    def __init__(
        self,
        engine: Engine,
        limit: int,
        policy: RetryPolicy = RetryPolicy(),
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ceiling = limit
        self.tokens = 0  # generated so far, by all requests that were answered
        self.retries: Counter[str] = Counter()  # name of the error -> how often asked again
        self._engine = engine
        self._policy = policy
        self._pause = pause
        self._clock = clock
        self._gate = Gate(limit)
        self._away_since: float | None = None
        self._successes = 0  # since the limit last changed

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return self._gate.limit

    @property
    def in_flight(self) -> int:
        """How many requests are in flight now."""
        return self._gate.inside

    async def complete(self, prompt: str, params: SamplingParams) -> Completion:
        """Return the completion, cut at its first stop string.

        Raises `RowError` when this request is given up, with the last error as its reason, and
        `StopError` when no request can succeed any more.
        """
        pauses = failures = 0
        while True:
            try:
                return await self._ask(prompt, params)
            except RetryError as error:
                failures += not isinstance(error, OverloadedError | UnavailableError)
                self._give_up_if_hopeless(error, failures)
                self.retries[type(error).__name__] += 1
                at_once = isinstance(error, BrokenStreamError)
            if not at_once:
                await self._pause(self._policy.pause(pauses))
                pauses += 1

    async def _ask(self, prompt: str, params: SamplingParams) -> Completion:
        async with self._gate.place():
            try:
                completion = await complete(self._engine, prompt, params)
            except OverloadedError:
                self._gate.limit = max(1, min(self.limit, self.in_flight) - 1)
                self._successes = 0
                raise
            except RowError:
                self._away_since = None  # it was there to refuse
                raise
        self._answered(completion)
        return completion

    def _answered(self, completion: Completion) -> None:
        self._away_since = None
        self.tokens += completion.tokens
        self._successes += 1
        if self._successes >= self.limit and self.limit < self.ceiling:
            self._gate.widen()
            self._successes = 0

    def _give_up_if_hopeless(self, error: RetryError, failures: int) -> None:
        """Raise in place of `error` when asking again makes no sense."""
        if not isinstance(error, UnavailableError):
            self._away_since = None  # a server that complains is there
            if failures >= self._policy.attempts:
                raise RowError(f"given up after {failures} tries: {error.message}") from error
            return
        now = self._clock()
        if self._away_since is None:
            self._away_since = now
        if now - self._away_since > self._policy.patience:
            raise EngineError(
                f"the engine has not answered for {now - self._away_since:.0f} s: {error.message}",
                mend="Bring it back, then run the same command again: the run goes on.",
            ) from error
