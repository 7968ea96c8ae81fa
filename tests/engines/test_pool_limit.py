"""How a pool finds out how many requests a server bears.

The servers here write a token for all that they have in a batch, step by step, as real ones do:
a step takes longer the more are in it, and what has no room in the batch waits.
"""

import asyncio
import random

import pytest

from builder.engines.base import Chunk, complete
from builder.engines.pool.lane import TOLD, UNTOLD
from builder.errors import BrokenStreamError, OverloadedError, RowError, StalledError
from tests.engines.pool_engines import FailingEngine, params, pool_of
from tests.engines.virtual_time import run_virtually, virtual_clock

MANY = 65_536
"""Slots of an engine whose server does not tell them."""

STEP = 0.02
"""Seconds of a step with one request in the batch."""


class Batching:
    """Writes as many tokens as a request's seed says.

    A batch has room for `batch` requests; each of them makes a step longer by `more` seconds.
    It refuses those beyond `takes`, and gives up those that waited longer than `deadline`.
    """

    def __init__(self, batch, slots=MANY, more=0.0, takes=10**6, deadline=None):
        self.slots = slots
        self.inside = 0
        self._batch, self._more, self._takes, self._deadline = batch, more, takes, deadline
        self._room = asyncio.Semaphore(batch)
        self._writing = 0

    async def stream(self, prompt, params):
        if self.inside >= self._takes:
            raise OverloadedError("full")
        self.inside += 1
        try:
            try:
                if self._room.locked() and self._deadline:
                    await asyncio.wait_for(self._room.acquire(), self._deadline)
                else:
                    await self._room.acquire()
            except TimeoutError:
                raise StalledError("no first token") from None
            self._writing += 1
            left = params.seed
            while left > 0:  # sixteen tokens between two looks at who else is there
                await asyncio.sleep(min(left, 16) * (STEP + self._more * self._writing))
                left -= 16
            self._writing -= 1
            self._room.release()
        finally:
            self.inside -= 1
        yield Chunk("x", params.seed, "stop")

    async def close(self):
        pass


def lengths(count):
    author = random.Random(1)
    return [min(500, 1 + int(author.expovariate(1 / 150))) for _ in range(count)]


async def ask_all(ask, at_once, count):
    """Seconds that `count` requests take, `at_once` at a time."""
    left = iter(lengths(count))

    async def one_after_the_other():
        for length in left:
            await ask("p", params(seed=length, max_tokens=600))

    began = virtual_clock()
    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return virtual_clock() - began


def against_bare(count, told=True, **server):
    """Speed through a pool for that of a loop that always has `batch` requests or more in flight,
    and the pool."""

    async def work():
        bare_server, ours = Batching(**server), Batching(**server)
        most = min(bare_server.slots, server.get("takes", 4 * server["batch"]))
        bare = await ask_all(lambda p, q: complete(bare_server, p, q), most, count)
        pool = pool_of(ours, endpoints=("a",))
        return bare / await ask_all(pool.complete, 4 * most, count), pool

    return run_virtually(work())


@pytest.mark.parametrize("count", [400, 1500])
@pytest.mark.parametrize(
    "server",
    [
        {"batch": 128, "slots": 128, "more": 0.0001},  # the more, the faster
        {"batch": 128, "slots": 128, "more": 0.0004},
        {"batch": 32, "slots": 128, "more": 0.0002},  # most of the requests wait
        {"batch": 32, "slots": 32},
        {"batch": 32, "slots": 32, "takes": 20},  # others have the rest
    ],
    ids=str,
)
def test_a_server_that_tells_its_slots_is_full_from_the_start(server, count):
    share, _ = against_bare(count, **server)
    assert share >= 0.95


@pytest.mark.parametrize(("batch", "least"), [(8, 0.99), (64, 0.95), (256, 0.9)])
def test_a_server_that_tells_nothing_is_found_out(batch, least):
    share, pool = against_bare(4000, batch=batch, more=0.0001)
    assert share >= least
    assert batch <= pool.limit <= 8 * batch


def test_the_limit_grows_while_the_speed_does():
    async def work():
        pool = pool_of(Batching(batch=100, more=0.00005), endpoints=("a",))
        limits = [pool.limit]
        asking = asyncio.create_task(ask_all(pool.complete, 3000, 4000))
        while not asking.done():
            await asyncio.sleep(1)
            if pool.limit != limits[-1]:
                limits.append(pool.limit)
        return limits

    limits = run_virtually(work())
    assert limits[0] == UNTOLD
    grown, held = limits[: limits.index(max(limits)) + 1], limits[-1]
    assert grown == sorted(grown)
    assert 96 <= held < max(grown)  # it went too far, and back


def test_a_limit_starts_where_it_is_told_and_stays_within_slots_and_ceiling():
    async def work():
        engines = [FailingEngine(slots=slots) for slots in (5, 200, MANY, 200)]
        told = [pool_of(engine, endpoints=("a",)).limit for engine in engines[:3]]
        local = pool_of(engines[1]).limit
        bounded = [pool_of(engines[1], most, endpoints=("a",)).limit for most in (7, 1000)]
        return told, local, bounded

    assert run_virtually(work()) == ([5, TOLD, UNTOLD], 200, [7, TOLD])


def test_requests_that_are_too_few_to_fill_a_server_teach_nothing():
    async def work():
        pool = pool_of(Batching(batch=64), endpoints=("a",))
        await ask_all(pool.complete, 3, 500)
        return pool.limit

    assert run_virtually(work()) == UNTOLD


def test_refusals_shrink_the_limit_and_answers_give_it_back():
    async def work():
        server = Batching(batch=64, slots=64, takes=20)
        pool = pool_of(server, endpoints=("a",))
        asking = asyncio.create_task(ask_all(pool.complete, 200, 2000))
        await asyncio.sleep(20)
        shrunk, refused = pool.limit, pool.retries["429 overloaded"]
        await asyncio.sleep(20)
        later = pool.retries["429 overloaded"] - refused
        server._takes = 1000
        await asyncio.sleep(200)
        grown = pool.limit
        await asking
        return shrunk, refused, later, grown

    shrunk, refused, later, grown = run_virtually(work())
    assert 19 <= shrunk <= 22
    assert 1 <= refused <= 60
    assert later <= 10  # it asks for more ever more rarely
    assert grown >= 30


def test_failures_at_random_cost_little():
    async def work():
        author = random.Random(3)
        batching = Batching(batch=64, slots=64)
        take = batching.stream

        async def stream(prompt, params):
            chance = author.random()
            if chance < 0.05:
                raise OverloadedError("at random")
            if chance < 0.15:
                raise BrokenStreamError("at random")
            async for chunk in take(prompt, params):
                yield chunk

        batching.stream = stream
        pool = pool_of(batching, endpoints=("a",))
        took = await ask_all(pool.complete, 200, 4000)
        return took, pool

    took, pool = run_virtually(work())
    tokens = sum(lengths(4000))
    assert tokens / took / (64 / STEP) > 0.9
    assert pool.limit > 50


def test_stalls_shrink_the_limit_to_what_the_server_answers_in_time():
    """Eight are written at once, and who waits for more than 60 s is given up."""

    async def work():
        pool = pool_of(Batching(batch=8, slots=128, deadline=10.0), endpoints=("a",))
        failed = 0

        async def ask(prompt, params):
            nonlocal failed
            try:
                return await pool.complete(prompt, params)
            except RowError:
                failed += 1

        took = await ask_all(ask, 300, 1500)
        return took, pool, failed

    took, pool, failed = run_virtually(work())
    assert failed == 0
    assert pool.limit < 64
    assert sum(lengths(1500)) / took / (8 / STEP) > 0.9


def test_stalls_all_together_halve_the_limit():
    async def work():
        pool = pool_of(Batching(batch=0, slots=64, deadline=10.0), endpoints=("a",))
        tasks = [asyncio.create_task(pool.complete("p", params(seed=9))) for _ in range(64)]
        await asyncio.sleep(10.5)
        limit = pool._lanes[0].limit.now
        for task in tasks:
            task.cancel()
        return limit

    assert run_virtually(work()) == 32


def test_each_server_has_its_own_limit():
    async def work():
        engines = [Batching(batch=8), Batching(batch=100, more=0.00005)]
        pool = pool_of(engines, endpoints=("a", "b"))
        await ask_all(pool.complete, 1000, 3000)
        return [lane.limit.now for lane in pool._lanes]

    small, large = run_virtually(work())
    assert 8 <= small < large
    assert large >= 90
