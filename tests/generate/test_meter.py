import pytest

from builder.generate.meter import Meter


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def shares(meter, name="seconds"):
    return {stage: use[name] for stage, use in meter.told().items()}


def test_time_is_dealt_out_by_the_requests_under_way(clock):
    meter = Meter(gpus=4, clock=clock)
    with meter.request("instruct", own=True):
        clock.now += 2.0
        with meter.request("respond", own=True), meter.request("respond", own=True):
            clock.now += 3.0
    assert shares(meter) == {"instruct": 3.0, "respond": 2.0}
    assert shares(meter, "gpu_seconds") == {"instruct": 12.0, "respond": 8.0}


def test_all_shares_together_are_the_time_in_which_anything_was_under_way(clock):
    meter = Meter(gpus=1, clock=clock)
    open_requests = []
    for turn in range(200):
        request = meter.request(f"stage-{turn % 7}", own=True)
        request.__enter__()
        open_requests.append(request)
        clock.now += 0.1 * (turn % 5)
        if turn % 3 == 2:
            open_requests.pop(turn % len(open_requests)).__exit__(None, None, None)
    for request in open_requests:
        clock.now += 0.5
        request.__exit__(None, None, None)
    told = meter.told()
    elapsed = clock.now - 100.0
    assert sum(use["seconds"] for use in told.values()) == pytest.approx(elapsed, abs=0.01)
    assert sum(use["gpu_seconds"] for use in told.values()) == pytest.approx(elapsed, abs=0.01)


def test_time_without_requests_is_nobodys(clock):
    meter = Meter(clock=clock)
    clock.now += 5.0
    with meter.request("instruct", own=True):
        clock.now += 1.0
    clock.now += 5.0
    assert shares(meter) == {"instruct": 1.0}


def test_a_request_that_is_still_under_way_counts_up_to_now(clock):
    meter = Meter(clock=clock)
    with meter.request("respond", own=True):
        clock.now += 1.5
        assert shares(meter) == {"respond": 1.5}
        clock.now += 1.0
    assert shares(meter) == {"respond": 2.5}


def test_a_request_that_fails_has_taken_its_time(clock):
    meter = Meter(clock=clock)
    with pytest.raises(RuntimeError), meter.request("respond", own=True):
        clock.now += 1.0
        raise RuntimeError
    clock.now += 9.0
    assert shares(meter) == {"respond": 1.0}


def test_other_servers_take_none_of_the_time_of_the_engine_nor_of_its_gpus(clock):
    meter = Meter(gpus=2, clock=clock)
    with meter.request("respond", own=True), meter.request("reward-0", own=False):
        clock.now += 4.0
    assert shares(meter) == {"respond": 4.0, "reward-0": 4.0}
    assert shares(meter, "gpu_seconds") == {"respond": 8.0, "reward-0": 0.0}


def test_computing_takes_time_of_this_machine_and_no_gpu(clock):
    meter = Meter(gpus=2, clock=clock)
    with meter.computing("language-0"):
        clock.now += 0.25
    assert shares(meter) == {"language-0": 0.25}
    assert shares(meter, "gpu_seconds") == {"language-0": 0.0}


def test_tokens_and_rows_add_up_and_one_unknown_prompt_makes_the_sum_unknown():
    meter = Meter()
    for prompt, generated in ((6, 10), (6, 20)):
        meter.tokens("instruct", prompt, generated)
        meter.row("instruct")
    meter.tokens("respond", 40, 5)
    meter.tokens("respond", None, 5)
    meter.tokens("respond", 40, 5)
    told = meter.told()
    assert (told["instruct"]["rows"], told["respond"]["rows"]) == (2, 0)
    assert (told["instruct"]["tokens_in"], told["instruct"]["tokens_out"]) == (12, 30)
    assert (told["respond"]["tokens_in"], told["respond"]["tokens_out"]) == (None, 15)
