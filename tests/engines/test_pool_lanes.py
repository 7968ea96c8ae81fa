"""Several engines in one pool: who gets a request, and what happens when a server goes away."""

import asyncio

import pytest

from builder.engines.pool.pool import RetryPolicy
from builder.errors import (
    BrokenStreamError,
    EngineError,
    OverloadedError,
    RowError,
    ServerError,
    UnavailableError,
)
from tests.engines.pool_engines import WELL, FailingEngine, Server, params, pool_of
from tests.engines.virtual_time import run_virtually, virtual_clock

REFUSED = UnavailableError("connection refused")


def start(pool, count):
    return [asyncio.create_task(pool.complete(f"p{n}", params())) for n in range(count)]


class Keeper:
    """Looks after servers: `back` are those that it is bringing back, `lost` those given up."""

    def __init__(self, back=(), lost=()):
        self.back = set(back)
        self.lost = set(lost)

    def returning(self, endpoint):
        if endpoint in self.lost:
            raise ServerError(f"{endpoint} was given up")
        return endpoint in self.back


def test_requests_are_dealt_out_by_what_is_in_flight_for_the_limit():
    async def work():
        small, large = Server(slots=2), Server(slots=8)
        pool = pool_of([small, large])
        tasks = start(pool, 5)
        await asyncio.sleep(0.5)
        inside = (small.inside, large.inside, pool.in_flight)
        tasks += start(pool, 15)
        await asyncio.sleep(0.1)
        full = (small.inside, large.inside, pool.in_flight, pool.limit, pool.ceiling)
        return inside, full, await asyncio.gather(*tasks), virtual_clock()

    inside, full, ends, took = run_virtually(work())
    assert inside == (1, 4, 5)
    assert full == (2, 8, 10, 10, 10)
    assert (ends, took) == ([WELL] * 20, 2.5)


def test_the_ceiling_holds_over_all_engines():
    async def work():
        engines = [Server(slots=8), Server(slots=8), Server(slots=8)]
        pool = pool_of(engines, 6)
        tasks = start(pool, 30)
        await asyncio.gather(*tasks)
        return [engine.most for engine in engines], pool.limit, virtual_clock()

    assert run_virtually(work()) == ([2, 2, 2], 6, 5.0)


def test_the_others_take_the_load_of_a_server_that_is_away():
    async def work():
        gone, there = Server(slots=4), Server(slots=4)
        pool = pool_of([gone, there], endpoints=("a", "b"))
        tasks = start(pool, 40)
        await asyncio.sleep(0.5)
        gone.leave(BrokenStreamError("reset by peer"))
        gone.away = REFUSED
        await asyncio.sleep(1.0)
        state = (pool.away, pool.limit, there.inside)
        return state, await asyncio.gather(*tasks), len(gone.asked), virtual_clock()

    state, ends, probes, took = run_virtually(work())
    assert state == (1, 4, 4)
    assert ends == [WELL] * 40
    assert took == 10.0  # forty answers of a second each, four at once
    assert probes < 4 + 8


def test_a_server_that_is_back_gets_its_share_again():
    async def work():
        gone, there = Server(slots=4), Server(slots=4)
        gone.leave(REFUSED)
        pool = pool_of([gone, there], endpoints=("a", "b"))
        tasks = start(pool, 80)
        await asyncio.sleep(3)
        gone.come_back()
        await asyncio.sleep(5)
        state = (pool.away, gone.inside, there.inside)
        await asyncio.gather(*tasks)
        return state

    assert run_virtually(work()) == (0, 4, 4)


def test_a_long_answer_need_not_come_before_a_server_counts_as_back():
    async def work():
        server = Server(slots=4, seconds=60.0)
        server.leave(REFUSED)
        pool = pool_of(server, endpoints=("a",))
        tasks = start(pool, 4)
        await asyncio.sleep(1)
        server.come_back()
        await asyncio.gather(*tasks)
        return virtual_clock()

    assert 61.0 < run_virtually(work()) < 64.0


def test_a_server_that_accepts_and_breaks_gets_one_request_at_a_time_until_it_answers():
    async def work():
        class Accepting(Server):
            async def stream(self, prompt, params):
                self.asked.append((virtual_clock(), prompt))
                await asyncio.sleep(2.0 if self.away else 0.1)
                if self.away is not None:
                    raise self.away
                yield (await anext(aiter(FailingEngine().stream(prompt, params))))

        server = Accepting(slots=8)
        server.leave(UnavailableError("504 after a while"))
        pool = pool_of(server, endpoints=("a",))
        tasks = start(pool, 16)
        await asyncio.sleep(100)
        asked = len(server.asked)
        server.come_back()
        await asyncio.gather(*tasks)
        return asked

    assert run_virtually(work()) < 8 + 8 + 100 / 7 + 3


def test_patience_runs_out_only_when_all_are_away():
    async def work():
        gone, there = Server(slots=2), Server(slots=2, seconds=50.0)
        gone.leave(REFUSED)
        policy = RetryPolicy(patience=30.0)
        pool = pool_of([gone, there], endpoints=("a", "b"), policy=policy)
        await asyncio.gather(*start(pool, 8))  # 200 s
        there.leave(REFUSED)
        began = virtual_clock()
        with pytest.raises(EngineError) as caught:
            await asyncio.gather(*start(pool, 3))
        return caught.value.message, virtual_clock() - began

    message, took = run_virtually(work())
    assert message.startswith("all 2 servers have not answered for 3")
    assert message.endswith(" s: connection refused")
    assert 30 < took < 37


def test_a_server_that_is_being_brought_back_is_waited_for():
    async def work():
        server, keeper = Server(slots=4), Keeper(back=["a"])
        server.leave(REFUSED)
        pool = pool_of(server, endpoints=("a",), upkeep=keeper, policy=RetryPolicy(patience=30.0))
        tasks = start(pool, 8)
        await asyncio.sleep(3600)
        server.come_back()
        ends = await asyncio.gather(*tasks)
        return ends, virtual_clock()

    ends, took = run_virtually(work())
    assert ends == [WELL] * 8
    assert took < 3600 + 5 + 3


def test_patience_begins_when_nobody_brings_it_back_any_more():
    async def work():
        server, keeper = Server(slots=4), Keeper(back=["a"])
        server.leave(REFUSED)
        pool = pool_of(server, endpoints=("a",), upkeep=keeper, policy=RetryPolicy(patience=30.0))
        tasks = start(pool, 2)
        await asyncio.sleep(1000)
        keeper.back.clear()
        with pytest.raises(EngineError, match=r"^the engine has not answered for 3\d s"):
            await asyncio.gather(*tasks)
        return virtual_clock()

    assert 1030 < run_virtually(work()) < 1040


def test_what_the_keeper_raises_ends_the_run():
    async def work():
        server, keeper = Server(slots=4), Keeper(lost=["a"])
        server.leave(REFUSED)
        pool = pool_of(server, endpoints=("a",), upkeep=keeper)
        await asyncio.gather(*start(pool, 2))

    with pytest.raises(ServerError, match=r"^a was given up$"):
        run_virtually(work())


def test_a_request_is_asked_of_another_server_when_one_fails_on_it():
    async def work():
        bad, good = Server(slots=1), Server(slots=4)
        bad.leave(OverloadedError("busy with others"))
        pool = pool_of([bad, good], endpoints=("a", "b"))
        ends = await asyncio.gather(*start(pool, 8))
        return ends, len(good.asked), virtual_clock()

    ends, asked, took = run_virtually(work())
    assert (ends, asked, took) == ([WELL] * 8, 8, 2.0)


def test_the_idle_share_is_that_of_the_time_without_a_request():
    async def work():
        engine = FailingEngine(slots=2, seconds=3.0)
        pool = pool_of(engine)
        await asyncio.sleep(50)  # before the first request: not counted
        shares = [pool.idle_share]
        await asyncio.gather(*start(pool, 2))
        shares.append(pool.idle_share)
        await asyncio.sleep(1)
        shares.append(pool.idle_share)
        await asyncio.gather(*start(pool, 1))
        return [*shares, pool.idle_share]

    assert run_virtually(work()) == [0.0, 0.0, 0.25, 1 / 7]


def test_the_idle_share_is_the_mean_over_servers_and_leaves_out_absence():
    async def work():
        busy, gone = Server(slots=1, seconds=10.0), Server(slots=1, seconds=10.0)
        pool = pool_of([busy, gone], endpoints=("a", "b"))
        tasks = start(pool, 2)
        await asyncio.sleep(9)
        gone.leave(REFUSED)  # after 9 busy seconds
        await asyncio.gather(*tasks)
        away = pool.idle_share
        return away, pool.away

    share, away = run_virtually(work())
    assert (share, away) == (0.0, 1)  # what it had went to the other, which was never idle

    async def half():
        idle, busy = Server(slots=1, seconds=10.0), Server(slots=1, seconds=10.0)
        pool = pool_of([idle, busy], endpoints=("a", "b"))
        await asyncio.gather(*start(pool, 1))
        return pool.idle_share

    assert run_virtually(half()) == 0.5


def test_as_many_endpoints_as_engines():
    async def work():
        pool_of([FailingEngine(), FailingEngine()], endpoints=("a",))

    with pytest.raises(ValueError, match="zip"):
        run_virtually(work())


def test_a_refusal_of_one_server_is_a_refusal():
    async def work():
        bad, good = FailingEngine(slots=1, p0=[RowError("422")]), Server(slots=1)
        pool = pool_of([bad, good], endpoints=("a", "b"))
        return await asyncio.gather(*start(pool, 2), return_exceptions=True)

    refused, well = run_virtually(work())
    assert (refused.message, well) == ("422", WELL)
