"""One pool of requests over one engine: bounded, refilled as answers come, retried by error type.

| error | what the pool does |
|---|---|
| `OverloadedError` | one request fewer in flight, asks again after a pause; never loses the row |
| `UnavailableError` | asks again after a pause, until the server has been away for `patience` |
| other `RetryError` | asks again up to `attempts` times, then gives the row up with its reason |
| `RowError` | gives the row up with its reason |
| `StopError` | lets it through: nothing more can succeed |
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from builder.engines.base import Completion, Engine, SamplingParams, complete
from builder.errors import (
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
    first_pause: float = 0.5  # doubled with every ask
    longest_pause: float = 20.0
    patience: float = 300.0  # how long a server may be away before the run stops

    def pause(self, attempt: int) -> float:
        """Seconds to wait after the failure of ask number `attempt`, counted from 0."""
        return float(min(self.first_pause * 2**attempt, self.longest_pause))


class Pool:
    """Asks an engine, never more than `limit` requests at once."""

    def __init__(
        self,
        engine: Engine,
        limit: int,
        policy: RetryPolicy = RetryPolicy(),
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.limit = limit  # shrinks when the server is overloaded, and grows back
        self.ceiling = limit
        self.in_flight = 0
        self.tokens = 0  # generated so far, by all requests that were answered
        self.retries: Counter[str] = Counter()  # name of the error -> how often asked again
        self._engine = engine
        self._policy = policy
        self._pause = pause
        self._free = asyncio.Condition()
        self._away_since: float | None = None
        self._successes = 0  # since the limit last changed

    async def complete(self, prompt: str, params: SamplingParams) -> Completion:
        """Return the completion, cut at its first stop string.

        Raises `RowError` when this request is given up, with the last error as its reason, and
        `StopError` when no request can succeed any more.
        """
        attempt = failures = 0
        while True:
            try:
                completion = await self._ask(prompt, params)
            except RetryError as error:
                self.retries[type(error).__name__] += 1
                failures += not isinstance(error, OverloadedError | UnavailableError)
                self._give_up_if_hopeless(error, failures)
            else:
                self._answered(completion)
                return completion
            await self._pause(self._policy.pause(attempt))
            attempt += 1

    async def _ask(self, prompt: str, params: SamplingParams) -> Completion:
        async with self._slot():
            try:
                return await complete(self._engine, prompt, params)
            except OverloadedError:
                self.limit = max(1, self.in_flight - 1)
                self._successes = 0
                raise

    @contextlib.asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        async with self._free:
            await self._free.wait_for(lambda: self.in_flight < self.limit)
            self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1
            async with self._free:
                self._free.notify()

    def _answered(self, completion: Completion) -> None:
        self._away_since = None
        self.tokens += completion.tokens
        self._successes += 1
        if self._successes >= self.limit and self.limit < self.ceiling:
            self.limit += 1
            self._successes = 0

    def _give_up_if_hopeless(self, error: RetryError, failures: int) -> None:
        """Raise in place of `error` when asking again makes no sense."""
        if isinstance(error, UnavailableError):
            now = time.monotonic()
            self._away_since = self._away_since or now
            if now - self._away_since > self._policy.patience:
                raise EngineError(
                    f"the engine has not answered for {now - self._away_since:.0f} s: {error}",
                    mend="Bring it back, then run the same command again: the run goes on.",
                ) from error
        elif failures >= self._policy.attempts:
            raise RowError(f"given up after {failures} tries: {error.message}") from error
