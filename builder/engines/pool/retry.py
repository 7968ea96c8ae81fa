"""When a request is asked again, and how that is called.

| error | what the pool does |
|---|---|
| `OverloadedError` | fewer requests to this server, asks again once one ends; loses no row |
| `UnavailableError` | asks another server, or this one once it is back; no row pays for that |
| `StalledError` | fewer requests to this server, asks again at once, up to `attempts` times |
| `BrokenStreamError` | asks again at once, up to `attempts` times |
| `FailedGenerationError`, other `RetryError` | asks again after a pause, up to `attempts` times |
| `RowError` | gives the row up with its reason |
| `StopError` | lets it through: nothing more can succeed |

A request that used up its attempts is a `RowError` too, with the last error as its reason. The run
stops where all servers are away for `patience`, or refuse all requests for `overload`.
"""

from __future__ import annotations

from dataclasses import dataclass

from builder.errors import (
    BrokenStreamError,
    FailedGenerationError,
    OverloadedError,
    RetryError,
    RowError,
    StalledError,
    UnavailableError,
)

REASONS: tuple[tuple[type[RetryError], str], ...] = (
    (OverloadedError, "429 overloaded"),
    (UnavailableError, "server away"),
    (StalledError, "stalled"),
    (BrokenStreamError, "stream broken"),
    (FailedGenerationError, "generation failed"),
    (RetryError, "failed"),
)
"""What a person reads where requests that were asked again are counted. The first match counts."""


def reason_of(error: RetryError) -> str:
    """What an error is called in counts."""
    return next(words for kind, words in REASONS if isinstance(error, kind))


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long to ask again. Times in seconds."""

    attempts: int = 4  # asks of one request, for errors that concern this request
    outages: int = 20  # times that a server may vanish while it has one and the same request
    refusals: int = 20  # requests of one kind that are given up before any of them was answered
    first_pause: float = 0.5  # doubled with every pause of one request, or of one server
    longest_pause: float = 20.0
    first_probe: float = 0.25  # until a server that went away is asked again; doubled each time
    longest_probe: float = 5.0
    survival: float = 1.0  # a request that is not refused for so long shows that a server is back
    patience: float = 300.0  # how long all servers may be away before the run stops
    overload: float = 1800.0  # how long they may do nothing but refuse: a quota that is used up

    def pause(self, number: int) -> float:
        """Seconds that pause number `number` takes, counted from 0."""
        return _doubled(self.first_pause, number, self.longest_pause)

    def probe(self, number: int) -> float:
        """Seconds until a server that is away is asked again, `number` asks having failed."""
        return _doubled(self.first_probe, number, self.longest_probe)


class Tries:
    """What one request has been through. Raises `RowError` when asking again makes no sense."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._failures = 0
        self._outages = 0
        self._pauses = 0

    def pause_after(self, error: RetryError, *, expected: bool) -> float:
        """How long this request waits by itself before it is asked again, in seconds.

        `expected` says that the server was known to be away: the request only felt its way.
        """
        if isinstance(error, OverloadedError):
            return 0.0
        if isinstance(error, UnavailableError):
            self._outages += not expected
            self._give_up(error, self._outages, self._policy.outages)
            return 0.0
        self._failures += 1
        self._give_up(error, self._failures, self._policy.attempts)
        if isinstance(error, BrokenStreamError):
            return 0.0
        self._pauses += 1
        return self._policy.pause(self._pauses - 1)

    def _give_up(self, error: RetryError, count: int, most: int) -> None:
        if count >= most:
            raise RowError(f"given up after {count} tries: {error.message}") from error


def _doubled(first: float, number: int, most: float) -> float:
    return float(min(first * 2 ** min(number, 64), most))  # no float holds 2**1024
