import asyncio
from collections import Counter

import pytest

from builder.engines.base import Chunk, Completion
from builder.engines.gate import Gate
from builder.engines.pool import Pool, RetryPolicy
from builder.errors import (
    BrokenStreamError,
    EngineError,
    OverloadedError,
    RetryError,
    RowError,
    StorageError,
    UnavailableError,
)
from tests.engines.subjects import LONGEST, params

WELL = Completion("yes", 2, "stop")
POLICY = RetryPolicy()


class FailingEngine:
    """Fails each prompt as often as `failures` says, in that order, then answers it."""

    slots = 4

    def __init__(self, **failures):
        self.asked = []
        self._failures = {prompt: list(errors) for prompt, errors in failures.items()}

    async def stream(self, prompt, params):
        self.asked.append(prompt)
        await asyncio.sleep(0)
        if self._failures.get(prompt):
            raise self._failures[prompt].pop(0)
        yield Chunk("yes", 2, "stop")

    async def close(self):
        pass


class HeldEngine:
    """Answers a prompt when it is let go; counts how many it holds at once."""

    slots = 4

    def __init__(self):
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


class Clock:
    """A time that only passes when somebody pauses."""

    def __init__(self):
        self.now = 0.0
        self.pauses = []

    async def pause(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def run(work):
    return asyncio.run(asyncio.wait_for(work, LONGEST))


async def settle():
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def asked(policy=POLICY, **failures):
    """One request `a` for a pool: what it ended with, the asks, the pauses and the pool."""
    engine, clock = FailingEngine(**failures), Clock()
    pool = Pool(engine, 4, policy, clock.pause, lambda: clock.now)

    async def work():
        try:
            return await pool.complete("a", params())
        except (RowError, EngineError, StorageError) as error:
            return error

    return run(work()), len(engine.asked), clock.pauses, pool


def test_an_answer_needs_no_second_ask():
    end, asks, pauses, pool = asked()
    assert (end, asks, pauses) == (WELL, 1, [])
    assert (pool.tokens, pool.in_flight, pool.limit, pool.retries) == (2, 0, 4, Counter())


def test_overload_pauses_longer_each_time_and_never_loses_the_row():
    end, asks, pauses, pool = asked(a=[OverloadedError("full")] * 9)
    assert (end, asks) == (WELL, 10)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0, 20.0]
    assert pool.retries == {"OverloadedError": 9}


def test_an_unavailable_server_is_asked_again_after_a_pause():
    end, asks, pauses, pool = asked(a=[UnavailableError("away")] * 6)
    assert (end, asks) == (WELL, 7)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]
    assert pool.retries == {"UnavailableError": 6}


def test_a_broken_stream_is_asked_again_at_once():
    end, asks, pauses, _ = asked(a=[BrokenStreamError("cut")] * 3)
    assert (end, asks, pauses) == (WELL, 4, [])


def test_a_stream_that_breaks_every_time_is_given_up_with_its_reason():
    end, asks, pauses, pool = asked(a=[BrokenStreamError("cut")] * 9)
    assert (type(end), end.message) == (RowError, "given up after 4 tries: cut")
    assert (asks, pauses, pool.retries) == (4, [], {"BrokenStreamError": 3})


def test_other_retry_errors_pause_and_are_given_up():
    end, asks, pauses, _ = asked(RetryPolicy(attempts=3), a=[RetryError("odd")] * 9)
    assert (type(end), end.message) == (RowError, "given up after 3 tries: odd")
    assert (asks, pauses) == (3, [0.5, 1.0])


def test_overload_and_absence_do_not_count_as_tries():
    broken, full, away = BrokenStreamError("cut"), OverloadedError("full"), UnavailableError("away")
    end, asks, pauses, _ = asked(a=[broken, full, broken, away, broken, full])
    assert (end, asks, pauses) == (WELL, 7, [0.5, 1.0, 2.0])


@pytest.mark.parametrize("error", [RowError("too long"), EngineError("bad"), StorageError("full")])
def test_what_cannot_succeed_is_asked_once(error):
    end, asks, pauses, pool = asked(a=[error])
    assert (end, asks, pauses, pool.retries) == (error, 1, [], Counter())


def test_pauses_stay_finite_however_often_they_come():
    assert RetryPolicy().pause(5000) == 20.0


def test_a_server_that_stays_away_for_longer_than_patience_ends_the_run():
    policy = RetryPolicy(patience=60.0)
    end, asks, pauses, _ = asked(policy, a=[UnavailableError("refused")] * 99)
    assert (type(end), end.message) == (
        EngineError,
        "the engine has not answered for 72 s: refused",
    )
    assert (asks, sum(pauses)) == (9, 71.5)


@pytest.mark.parametrize("sign", [OverloadedError("full"), BrokenStreamError("cut")])
def test_a_server_that_complains_is_not_away(sign):
    away = [UnavailableError("away")] * 6  # 31.5 s and more of pauses
    end, _, _, _ = asked(RetryPolicy(patience=70.0), a=[*away, sign, *away[:3]])
    assert end == WELL


def test_an_answer_to_another_request_shows_that_the_server_is_back():
    engine = FailingEngine(a=[UnavailableError("away")] * 7)  # the last after 31.5 s of pauses
    clock = Clock()
    pool = Pool(engine, 4, RetryPolicy(patience=30.0), clock.pause, lambda: clock.now)

    async def work():
        first = asyncio.create_task(pool.complete("a", params()))
        while clock.now < 15.5:
            await asyncio.sleep(0)
        await pool.complete("b", params())
        return await first

    assert run(work()) == WELL


def test_all_requests_wait_for_a_server_that_is_away_and_none_is_lost():
    prompts = [f"p{number}" for number in range(10)]
    engine = FailingEngine(**{prompt: [UnavailableError("away")] * 3 for prompt in prompts})
    clock = Clock()
    pool = Pool(engine, 4, RetryPolicy(), clock.pause, lambda: clock.now)

    async def work():
        return await asyncio.gather(*(pool.complete(prompt, params()) for prompt in prompts))

    assert run(work()) == [WELL] * 10
    assert Counter(engine.asked) == dict.fromkeys(prompts, 4)
    assert (pool.limit, pool.in_flight, pool.retries["UnavailableError"]) == (4, 0, 30)


def test_requests_in_flight_are_bounded_and_refilled_in_order():
    async def work():
        engine = HeldEngine()
        pool = Pool(engine, 3)
        tasks = [asyncio.create_task(pool.complete(str(n), params())) for n in range(7)]
        await settle()
        assert (list(engine.held), pool.in_flight) == (["0", "1", "2"], 3)
        engine.held["1"].set_result(None)
        await settle()
        assert (list(engine.held), pool.in_flight) == (["0", "2", "3"], 3)
        while engine.held:
            next(iter(engine.held.values())).set_result(None)
            await settle()
        assert await asyncio.gather(*tasks) == [WELL] * 7
        return engine, pool

    engine, pool = run(work())
    assert (engine.most, engine.order, pool.in_flight) == (3, [str(n) for n in range(7)], 0)


def test_overload_takes_one_place_and_as_many_answers_as_places_give_it_back():
    async def work():
        pool = Pool(FailingEngine(a=[OverloadedError("full")]), 4, pause=Clock().pause)
        pool._gate.limit = 3
        pool.ceiling = 3
        held = [pool._gate.place() for _ in range(2)]
        for place in held:
            await place.__aenter__()
        first = asyncio.create_task(pool.complete("a", params()))
        while not pool.retries:
            await asyncio.sleep(0)
        limits = [pool.limit]
        await held[0].__aexit__(None, None, None)
        await first
        for number in range(5):
            limits.append(pool.limit)
            await pool.complete(f"b{number}", params())
        return [*limits, pool.limit]

    assert run(work()) == [2, 2, 3, 3, 3, 3, 3]


def test_a_burst_of_refusals_leaves_as_many_places_as_were_served():
    """A server that takes 5 and refuses the other 11 of 16 ends with a limit of 5."""

    async def work():
        engine, serving = HeldEngine(), 5
        take = engine.stream
        refused = asyncio.Event()

        async def stream(prompt, params):
            if len(engine.held) >= serving and not refused.is_set():
                raise OverloadedError("full")
            async for chunk in take(prompt, params):
                yield chunk

        async def pause(seconds):
            await refused.wait()

        engine.stream = stream
        pool = Pool(engine, 16, pause=pause)
        tasks = [asyncio.create_task(pool.complete(str(n), params())) for n in range(16)]
        await settle()
        limit = pool.limit
        refused.set()
        while not all(task.done() for task in tasks):
            for future in engine.held.values():
                future.done() or future.set_result(None)
            await settle()
        return limit, [task.result() for task in tasks], pool

    limit, ends, pool = run(work())
    assert limit == 5
    assert ends == [WELL] * 16
    assert (pool.limit, pool.in_flight) == (7, 0)  # 5 answers gave one place, 6 another


def test_a_limit_never_falls_below_one():
    end, _, _, pool = asked(a=[OverloadedError("full")] * 3)
    assert end == WELL
    assert pool.limit >= 1


def test_a_cancelled_request_gives_its_place_back_wherever_it_stood():
    async def work():
        engine = HeldEngine()
        pool = Pool(engine, 1)
        inside, waiting, last = (
            asyncio.create_task(pool.complete(prompt, params())) for prompt in ("a", "b", "c")
        )
        await settle()
        waiting.cancel()
        await settle()
        assert (pool.in_flight, list(engine.held)) == (1, ["a"])
        inside.cancel()
        await settle()
        assert (pool.in_flight, list(engine.held)) == (1, ["c"])
        engine.held["c"].set_result(None)
        assert await last == WELL
        assert pool.in_flight == 0

    run(work())


def test_a_place_given_to_a_task_that_is_cancelled_at_that_moment_goes_to_the_next():
    async def hold(gate, until):
        async with gate.place():
            await until.wait()

    async def work():
        gate, first, second = Gate(1), asyncio.Event(), asyncio.Event()
        inside, cancelled, last = (
            asyncio.create_task(hold(gate, event)) for event in (first, second, second)
        )
        await settle()
        first.set()
        await asyncio.sleep(0)  # `inside` leaves; the place is `cancelled`'s, which has not run yet
        cancelled.cancel()
        await settle()
        assert cancelled.cancelled()
        assert gate.inside == 1
        second.set()
        await asyncio.gather(inside, last)
        assert gate.inside == 0

    run(work())


def test_a_gate_that_widens_lets_in_who_waits():
    async def work():
        gate, leave = Gate(1), asyncio.Event()

        async def stay():
            async with gate.place():
                await leave.wait()

        tasks = [asyncio.create_task(stay()) for _ in range(3)]
        await settle()
        seen = [gate.inside]
        gate.widen()
        await settle()
        seen.append(gate.inside)
        leave.set()
        await asyncio.gather(*tasks)
        return [*seen, gate.inside]

    assert run(work()) == [1, 2, 0]
