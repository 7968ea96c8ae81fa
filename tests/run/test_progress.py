import pytest

from builder.run.progress import WINDOW, Progress


def marked(progress, *counts):
    for now, sampled, tokens in counts:
        progress.sampled, progress.tokens = sampled, tokens
        progress.mark(now)
    return progress


def test_nothing_is_known_before_the_second_look():
    progress = Progress(target_sampled=100)
    assert (progress.speeds(), progress.seconds_left()) == ((0.0, 0.0), None)
    marked(progress, (0.0, 10, 100))
    assert (progress.speeds(), progress.seconds_left()) == ((0.0, 0.0), None)


def test_time_left_to_so_many_rows_sampled():
    progress = Progress()
    progress.aim(None, 100)
    marked(progress, (5.0, 0, 0), (7.0, 20, 800))
    assert progress.speeds() == (10.0, 400.0)
    assert progress.seconds_left() == 8.0
    assert progress.fraction == 0.2


def test_time_left_to_so_many_rows_kept_reckons_with_the_yield():
    progress = Progress()
    progress.aim(50, None)
    marked(progress, (0.0, 0, 0), (4.0, 40, 0))
    assert progress.seconds_left() is None  # none kept yet: the yield is unknown
    progress.kept = 10
    assert progress.seconds_left() == 16.0  # 40 more kept are 160 more sampled, at 10 a second
    assert progress.fraction == 0.2


def test_a_target_that_is_passed_leaves_no_time():
    progress = Progress(kept=12, target_kept=10)
    marked(progress, (0.0, 10, 0), (1.0, 20, 0))
    assert (progress.seconds_left(), progress.fraction) == (0.0, 1.0)


def test_a_run_that_stands_still_has_no_time():
    progress = marked(Progress(target_sampled=10), (0.0, 5, 5), (1.0, 5, 5))
    assert progress.seconds_left() is None


def test_speed_is_that_of_the_last_half_minute():
    progress = Progress(target_sampled=10**6)
    marked(progress, *((float(second), second * 100, 0) for second in range(60)))
    marked(progress, *((60.0 + second, 6000 + second, 0) for second in range(int(WINDOW) + 2)))
    assert progress.speeds()[0] == pytest.approx(1.0)


def test_rows_of_an_earlier_process_are_no_speed():
    progress = marked(Progress(target_sampled=2000), (0.0, 1000, 0), (1.0, 1010, 0))
    assert (progress.speeds()[0], progress.seconds_left()) == (10.0, 99.0)


def test_a_run_without_a_target_has_done_nothing_of_it():
    assert Progress().fraction == 0.0


def test_an_event_holds_what_a_status_tells():
    progress = Progress(target_sampled=50, in_flight=3, servers=2, away=1, idle_share=0.123456)
    progress.retries, progress.seconds, progress.kept = {"stalled": 2}, 4.0, 7
    marked(progress, (0.0, 0, 0), (4.0, 10, 90))
    assert progress.event() == {
        "seconds": 4.0,
        "sampled": 10,
        "kept": 7,
        "tokens": 90,
        "in_flight": 3,
        "rows_a_second": 2.5,
        "tokens_a_second": 22.5,
        "idle_share": 0.1235,
        "servers": 2,
        "away": 1,
        "retries": {"stalled": 2},
        "stages": {},
    }
