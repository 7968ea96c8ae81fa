import pytest

from builder.errors import InterruptedRunError
from builder.run.budget import budget_left, gpu_seconds_used, seconds_used
from tests.run.runs import begun


@pytest.fixture
def run(tmp_path):
    """A run with these events, each with its seconds."""

    def make(*events):
        run, _ = begun(tmp_path)
        with run.lock():
            for name, seconds in events:
                run.note(name, seconds=seconds)
        return run

    return make


def test_all_starts_count_a_killed_one_up_to_what_it_noted_last(run):
    finished = [("sampling", 0), ("progress", 10), ("progress", 20), ("sampling-ended", 24.5)]
    killed = [("sampling", 0), ("progress", 10.25)]
    at_once = [("sampling", 0)]
    assert seconds_used(run(*killed, *finished, *at_once, *killed)) == 45.0


def test_each_start_costs_as_many_gpus_as_it_had(tmp_path):
    run, _ = begun(tmp_path)
    with run.lock():
        for gpus, seconds in ((4, 10), (None, 5), (2, 1.5)):
            run.note("sampling", gpus=gpus)
            run.note("sampling-ended", seconds=seconds)
    assert (seconds_used(run), gpu_seconds_used(run)) == (16.5, 48.0)
    assert budget_left(run, 50.0) == 2.0


def test_a_run_that_never_sampled_has_used_nothing(run):
    assert seconds_used(run(("build", 7))) == 0.0


def test_what_is_left_of_a_budget(run):
    spent = run(("sampling", 0), ("sampling-ended", 90.0))
    assert budget_left(spent, None) is None
    assert budget_left(spent, 100.0) == 10.0


@pytest.mark.parametrize("budget", [90.0, 90.04, 1.0])
def test_a_spent_budget_stops_the_run_before_it_starts(run, budget):
    spent = run(("sampling", 0), ("sampling-ended", 90.0))
    with pytest.raises(InterruptedRunError) as caught:
        budget_left(spent, budget)
    assert caught.value.message == (
        f"stopped: the run has used 0.025 of {budget / 3600:.3g} GPU-hours already"
    )
    assert caught.value.exit_status == 3
