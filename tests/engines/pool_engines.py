"""Engines that fail or wait as a test wants it, and pools that live in a time of their own."""

import asyncio
from collections import Counter

from builder.engines.base import Chunk, Completion, SamplingParams, Served
from builder.engines.pool.pool import POLICY, Pool, Timing
from tests.engines.virtual_time import virtual_clock

WELL = Completion("yes", 2, "stop")


def params(seed=0, **changes):
    values = {"temperature": 1.0, "top_p": 1.0, "max_tokens": 100}
    return SamplingParams(seed=seed, **values | changes)


def pool_of(engines, ceiling=None, policy=POLICY, endpoints=(), upkeep=None):
    """A pool by the clock of the loop that runs."""
    return Pool(engines, ceiling, Served(endpoints, upkeep), policy, Timing(virtual_clock))


class FailingEngine:
    """Fails each prompt as often as `failures` says, in that order, then answers it.

    An answer takes `seconds`. `asked` holds each prompt with the time when it was asked.
    """

    def __init__(self, slots=4, seconds=0.0, **failures):
        self.slots = slots
        self.asked = []
        self._seconds = seconds
        self._failures = {prompt: list(errors) for prompt, errors in failures.items()}

    @property
    def times(self):
        return [time for time, _ in self.asked]

    @property
    def asks(self):
        return Counter(prompt for _, prompt in self.asked)

    async def stream(self, prompt, params):
        self.asked.append((virtual_clock(), prompt))
        await asyncio.sleep(0)
        if self._failures.get(prompt):
            raise self._failures[prompt].pop(0)
        await asyncio.sleep(self._seconds)
        yield Chunk("yes", 2, "stop")

    async def close(self):
        pass


class Server(FailingEngine):
    """Answers as long as it is there: `away` is what it raises when it is not, or None.

    `serving` is how many it takes at once; those that it has when it goes away fail too.
    """

    def __init__(self, slots=4, seconds=1.0, serving=None):
        super().__init__(slots, seconds)
        self.away = None
        self.inside = self.most = 0
        self.serving = serving
        self.full = None
        self._gone = asyncio.Event()

    def leave(self, error):
        self.away = error
        self._gone.set()

    def come_back(self):
        self.away = None
        self._gone = asyncio.Event()

    async def stream(self, prompt, params):
        self.asked.append((virtual_clock(), prompt))
        await asyncio.sleep(0)
        if self.away is not None:
            raise self.away
        if self.serving is not None and self.inside >= self.serving:
            raise self.full
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await asyncio.wait_for(self._gone.wait(), self._seconds)
        except TimeoutError:
            yield Chunk("yes", 2, "stop")
        else:
            raise self.away
        finally:
            self.inside -= 1


class HeldEngine:
    """Answers a prompt when it is let go; counts how many it holds at once."""

    def __init__(self, slots=4):
        self.slots = slots
        self.held = {}
        self.most = 0
        self.order = []

    async def stream(self, prompt, params):
        self.order.append(prompt)
        self.held[prompt] = asyncio.get_running_loop().create_future()
        self.most = max(self.most, len(self.held))
        try:
            await self.held[prompt]
        finally:
            del self.held[prompt]
        yield Chunk("yes", 2, "stop")

    async def close(self):
        pass


async def settle():
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)
