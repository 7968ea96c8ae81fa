"""One engine: requests are bounded, asked again by the type of their error, and none is lost."""

import asyncio
from collections import Counter

import pytest

from builder.engines.pool.pool import Pool, RetryPolicy
from builder.errors import (
    BrokenStreamError,
    EngineError,
    FailedGenerationError,
    OverloadedError,
    RetryError,
    RowError,
    StalledError,
    StorageError,
    UnavailableError,
)
from tests.engines.pool_engines import (
    WELL,
    FailingEngine,
    HeldEngine,
    Server,
    params,
    pool_of,
    settle,
)
from tests.engines.virtual_time import run_virtually

POLICY = RetryPolicy()


def asked(policy=POLICY, **failures):
    """One request `a`: what it ended with, when it was asked, and the pool."""

    async def work():
        engine = FailingEngine(**failures)
        pool = pool_of(engine, policy=policy)
        try:
            end = await pool.complete("a", params())
        except (RowError, EngineError, StorageError) as error:
            end = error
        return end, engine.times, pool

    return run_virtually(work())


def test_an_answer_needs_no_second_ask():
    end, times, pool = asked()
    assert (end, times) == (WELL, [0.0])
    assert (pool.tokens, pool.in_flight, pool.limit, pool.retries) == (2, 0, 4, Counter())


def test_a_server_that_others_overload_is_left_alone_ever_longer_and_no_row_is_lost():
    end, times, pool = asked(a=[OverloadedError("full")] * 9)
    assert end == WELL
    assert times == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 51.5, 71.5, 91.5]
    assert pool.retries == {"429 overloaded": 9}


def test_a_server_that_is_away_is_asked_again_now_and_then():
    end, times, pool = asked(a=[UnavailableError("away")] * 7)
    assert end == WELL
    assert times == [0.0, 0.25, 0.75, 1.75, 3.75, 7.75, 12.75, 17.75]
    assert pool.retries == {"server away": 7}


@pytest.mark.parametrize(
    ("error", "reason"),
    [(BrokenStreamError("cut"), "stream broken"), (StalledError("late"), "stalled")],
)
def test_a_broken_stream_is_asked_again_at_once(error, reason):
    end, times, pool = asked(a=[error] * 3)
    assert (end, times, pool.retries) == (WELL, [0.0] * 4, {reason: 3})


@pytest.mark.parametrize("error", [BrokenStreamError("cut"), StalledError("cut")])
def test_a_stream_that_breaks_every_time_is_given_up_with_its_reason(error):
    end, times, pool = asked(a=[error] * 9)
    assert (type(end), end.message) == (RowError, "given up after 4 tries: cut")
    assert (times, sum(pool.retries.values())) == ([0.0] * 4, 3)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(FailedGenerationError("odd"), "generation failed"), (RetryError("odd"), "failed")],
)
def test_a_failed_generation_pauses_and_is_given_up(error, reason):
    end, times, pool = asked(RetryPolicy(attempts=3), a=[error] * 9)
    assert (type(end), end.message) == (RowError, "given up after 3 tries: odd")
    assert (times, pool.retries) == ([0.0, 0.5, 1.5], {reason: 2})


def test_the_reasons_are_counted_apart():
    errors = [StalledError("s"), BrokenStreamError("b"), FailedGenerationError("f")]
    _, _, pool = asked(a=[*errors, OverloadedError("o"), UnavailableError("u")])
    names = ("stalled", "stream broken", "generation failed", "429 overloaded", "server away")
    assert pool.retries == dict.fromkeys(names, 1)


def test_overload_and_absence_do_not_count_as_tries():
    broken, full, away = BrokenStreamError("cut"), OverloadedError("full"), UnavailableError("away")
    end, times, _ = asked(a=[broken, full, broken, away, broken, full])
    assert (end, len(times)) == (WELL, 7)


def test_a_request_that_takes_the_server_down_again_and_again_is_given_up():
    """It goes away with this request each time, and answers others in between."""

    async def work():
        engine = FailingEngine(a=[UnavailableError("reset")] * 99)
        pool = pool_of(engine, policy=RetryPolicy(outages=3))
        poison = asyncio.create_task(pool.complete("a", params()))
        number = 0
        while not poison.done():
            number += 1
            await pool.complete(f"b{number}", params())
            await asyncio.sleep(1)
        return poison.exception()

    error = run_virtually(work())
    assert (type(error), error.message) == (RowError, "given up after 3 tries: reset")


@pytest.mark.parametrize("error", [RowError("too long"), EngineError("bad"), StorageError("full")])
def test_what_cannot_succeed_is_asked_once(error):
    end, times, pool = asked(a=[error])
    assert (end, times, pool.retries) == (error, [0.0], Counter())


def test_pauses_stay_finite_however_often_they_come():
    assert (POLICY.pause(5000), POLICY.probe(5000)) == (20.0, 5.0)


def test_a_server_that_stays_away_for_longer_than_patience_ends_the_run():
    end, times, _ = asked(RetryPolicy(patience=60.0), a=[UnavailableError("refused")] * 99)
    said = "the engine has not answered for 63 s: refused"
    assert (type(end), end.message, times[-1]) == (EngineError, said, 62.75)


def test_a_server_that_does_nothing_but_refuse_ends_the_run_in_the_end():
    end, times, _ = asked(RetryPolicy(overload=60.0), a=[OverloadedError("quota")] * 99)
    said = f"all requests were refused for {times[-1]:.0f} s: quota"
    assert (type(end), end.message) == (EngineError, said)
    assert 60.0 < times[-1] <= 80.0


def test_refusals_of_a_server_that_answers_others_never_end_the_run():
    async def work():
        engine = FailingEngine(slots=2, seconds=20.0, a=[OverloadedError("full")] * 12)
        pool = pool_of(engine, policy=RetryPolicy(overload=60.0))
        return await asyncio.gather(*(pool.complete(prompt, params()) for prompt in "abcdefghij"))

    assert run_virtually(work()) == [WELL] * 10


def test_a_server_that_hangs_ends_the_run_in_the_end():
    """The deadline of each request passes; nothing at all is answered."""

    async def work():
        class Hanging(FailingEngine):
            async def stream(self, prompt, params):
                await asyncio.sleep(30)
                raise StalledError("no first token within 30 s")
                yield

        pool = pool_of(Hanging(slots=8), policy=RetryPolicy(patience=100.0))
        tasks = [asyncio.create_task(pool.complete(str(n), params())) for n in range(20)]
        done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in waiting:
            task.cancel()
        return [task.exception() for task in done], pool

    (end, *given_up), pool = run_virtually(work())
    said = "the engine has not answered for 120 s: no first token within 30 s"
    assert (type(end), end.message) == (EngineError, said)
    assert given_up == []
    assert pool.retries["stalled"] < 15  # one at a time, once the first eight had stalled


@pytest.mark.parametrize("sign", [OverloadedError("full"), FailedGenerationError("odd")])
def test_a_server_that_complains_is_not_away(sign):
    away = [UnavailableError("away")] * 8
    end, _, _ = asked(RetryPolicy(patience=25.0), a=[*away, sign, *away])
    assert end == WELL


def test_all_requests_wait_for_a_server_that_is_away_and_go_on_at_once_when_it_is_back():
    async def work():
        server = Server(slots=4, seconds=1.0)
        server.leave(UnavailableError("refused"))
        pool = pool_of(server)
        tasks = [asyncio.create_task(pool.complete(f"p{n}", params())) for n in range(12)]
        await asyncio.sleep(100)
        asked_while_away = len(server.asked)
        server.come_back()
        back = asyncio.get_running_loop().time()
        ends = await asyncio.gather(*tasks)
        return asked_while_away, ends, asyncio.get_running_loop().time() - back, pool

    asks, ends, took, pool = run_virtually(work())
    assert ends == [WELL] * 12
    assert asks < 4 + 26  # the first four, then one probe at a time
    assert took < 5.0 + 1.0 + 3.0  # the next probe, its second, and three rounds of four
    assert (pool.limit, pool.in_flight, pool.away) == (4, 0, 0)


def test_one_reset_among_many_requests_keeps_nobody_waiting():
    async def work():
        engine = FailingEngine(slots=8, seconds=1.0, p3=[UnavailableError("reset")] * 2)
        pool = pool_of(engine)
        await asyncio.gather(*(pool.complete(f"p{n}", params()) for n in range(8)))
        return engine.times, pool

    times, pool = run_virtually(work())
    assert (times, pool.retries) == ([0.0] * 10, {"server away": 2})


def test_requests_that_are_given_up_one_after_the_other_end_the_run_when_none_ever_succeeded():
    async def work():
        refusal = RowError("max_new_tokens must be <= 512")
        engine = FailingEngine(**{f"p{n}": [refusal] for n in range(99)})
        pool = pool_of(engine)
        for n in range(19):
            with pytest.raises(RowError):
                await pool.complete(f"p{n}", params(max_tokens=9))
        await pool.complete("other", params(max_tokens=5))  # of another kind
        with pytest.raises(EngineError) as caught:
            await pool.complete("p19", params(max_tokens=9))
        for n in range(20, 99):
            with pytest.raises(RowError):
                await pool.complete(f"p{n}", params(max_tokens=5))
        return caught.value.message

    assert run_virtually(work()) == (
        "none of 20 requests for 9 tokens could be answered, the last one for this reason: "
        "max_new_tokens must be <= 512"
    )


def test_requests_in_flight_are_bounded_and_refilled_in_order():
    async def work():
        engine = HeldEngine()
        pool = pool_of(engine, 3)
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

    engine, pool = run_virtually(work())
    assert (engine.most, engine.order, pool.in_flight) == (3, [str(n) for n in range(7)], 0)


def test_a_request_that_is_asked_again_goes_before_those_that_wait():
    async def work():
        engine = FailingEngine(slots=1, b=[BrokenStreamError("cut")])
        pool = pool_of(engine)
        await asyncio.gather(*(pool.complete(prompt, params()) for prompt in "abcde"))
        return [prompt for _, prompt in engine.asked]

    assert run_virtually(work()) == ["a", "b", "c", "b", "d", "e"]  # `c` was next already


def test_a_burst_of_refusals_leaves_as_many_places_as_were_served():
    """A server that takes 5 and refuses the other 11 of 16 ends with a limit of 5."""

    async def work():
        server = Server(slots=16, seconds=1.0, serving=5)
        server.full = OverloadedError("full")
        pool = pool_of(server)
        tasks = [asyncio.create_task(pool.complete(str(n), params())) for n in range(16)]
        await settle()
        limit = pool.limit
        ends = await asyncio.gather(*tasks)
        return limit, ends, asyncio.get_running_loop().time(), server, pool

    limit, ends, took, server, pool = run_virtually(work())
    assert (limit, server.most, ends) == (5, 5, [WELL] * 16)
    assert took == 4.0  # nobody pauses: a place that is left is taken at once
    assert 11 < pool.retries["429 overloaded"] < 20


def test_a_cancelled_request_gives_its_place_back_wherever_it_stood():
    async def work():
        engine = HeldEngine()
        pool = pool_of(engine, 1)
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

    run_virtually(work())


def test_a_place_given_to_a_request_that_is_cancelled_at_that_moment_goes_to_the_next():
    async def work():
        engine = HeldEngine()
        pool = pool_of(engine, 1)
        first, cancelled, last = (
            asyncio.create_task(pool.complete(prompt, params())) for prompt in ("a", "b", "c")
        )
        await settle()
        engine.held["a"].set_result(None)
        while not first.done():
            await asyncio.sleep(0)
        cancelled.cancel()  # the place is its, and it may not have run yet
        await settle()
        assert cancelled.cancelled()
        assert (pool.in_flight, list(engine.held)) == (1, ["c"])
        engine.held["c"].set_result(None)
        assert await last == WELL

    run_virtually(work())


def test_who_feeds_the_pool_is_called_when_there_is_room():
    async def work():
        calls = []
        engine = HeldEngine(slots=2)
        pool = pool_of(engine)
        pool.hungry = lambda: calls.append(pool.in_flight)
        tasks = [asyncio.create_task(pool.complete(str(n), params())) for n in range(3)]
        await settle()
        assert (calls, pool.appetite) == ([], 6)  # two, and a few that are judged meanwhile
        for n in range(3):
            engine.held[str(n)].set_result(None)
            await settle()
        await asyncio.gather(*tasks)
        return calls

    assert run_virtually(work()) == [2, 1, 0]


@pytest.mark.parametrize(
    ("told", "constrained"),
    [([True, True], True), ([True, False], False), ([True, None], False), ([None], False)],
)
def test_a_pool_is_held_to_a_schema_where_all_of_its_engines_are(told, constrained):
    engines = [FailingEngine() for _ in told]
    for engine, value in zip(engines, told, strict=True):
        if value is not None:
            engine.constrained = value
    assert Pool(engines).constrained is constrained
