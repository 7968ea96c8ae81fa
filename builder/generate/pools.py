"""All pools of requests of a run: that of the recipe's engine, and those of judges and servers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from builder.engines.pool.pool import Pool

WITHOUT = 256
"""Rows under way where nobody is asked: what annotators compute comes in batches."""


class Pools:
    """The pools of a run. `main` is the recipe's engine, None where it is not asked."""

    def __init__(self, main: Pool | None) -> None:
        self.main = main
        self._all: list[Pool] = [] if main is None else [main]
        self._hungry: Callable[[], None] = lambda: None

    def join(self, pool: Pool) -> None:
        """Take in a pool that an annotator asks."""
        self._all.append(pool)
        pool.hungry = self._hungry

    @property
    def hungry(self) -> Callable[[], None]:
        """What is called whenever one of them has room for more."""
        return self._hungry

    @hungry.setter
    def hungry(self, call: Callable[[], None]) -> None:
        self._hungry = call
        for pool in self._all:
            pool.hungry = call

    @property
    def appetite(self) -> int:
        """How many rows should be under way, so that a request waits wherever one ends."""
        return sum(pool.appetite for pool in self._all) or WITHOUT

    @property
    def ceiling(self) -> int:
        """How many requests may ever be in flight."""
        return sum(pool.ceiling for pool in self._all)

    @property
    def in_flight(self) -> int:
        """How many requests are in flight now."""
        return sum(pool.in_flight for pool in self._all)

    @property
    def tokens(self) -> int:
        """Tokens generated so far, by all requests that were answered."""
        return sum(pool.tokens for pool in self._all)

    @property
    def retries(self) -> Counter[str]:
        """How often requests were asked again, by reason."""
        return sum((pool.retries for pool in self._all), Counter())

    @property
    def idle_share(self) -> float:
        """Share of the time, 0 to 1, in which the recipe's engine had nothing to do."""
        return 0.0 if self.main is None else self.main.idle_share

    @property
    def servers(self) -> int:
        """How many servers are spoken to."""
        return sum(pool.servers for pool in self._all)

    @property
    def away(self) -> int:
        """How many of them do not answer now."""
        return sum(pool.away for pool in self._all)
