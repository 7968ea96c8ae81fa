from __future__ import annotations

import numpy as np
import pytest

from builder.errors import RunError
from builder.neighbours.leaders import leaders
from builder.neighbours.live import LiveLeaders
from tests.neighbours.planted import Floats, brute, planted

RADIUS = 0.05


def at(*places: float) -> Floats:
    return np.float32([[place, 0.0] for place in places])


def test_a_late_row_knocks_down_a_later_one_and_raises_who_had_fallen_to_it() -> None:
    live = LiveLeaders(RADIUS)
    assert live.claim([5], at(0.2)) == [(5, True)]
    assert live.claim([9], at(0.4)) == [(9, False)]
    assert live.claim([2], at(0.0)) == [(2, True), (5, False), (9, True)]


def test_a_change_runs_along_a_chain() -> None:
    live = LiveLeaders(RADIUS)
    claimed = live.claim([1, 2, 3, 4], at(0.2, 0.4, 0.6, 0.8))
    assert claimed == [(1, True), (2, False), (3, True), (4, False)]
    assert live.claim([0], at(0)) == [(0, True), (1, False), (2, True), (3, False), (4, True)]


def test_the_earliest_of_twins_stands_whenever_it_comes() -> None:
    live = LiveLeaders(RADIUS)
    assert live.claim([5, 7], at(1, 1)) == [(5, True), (7, False)]
    assert live.claim([3], at(1)) == [(3, True), (5, False)]
    assert live.claim([4], at(1)) == [(4, False)]
    assert live.claim([5], at(1)) == [(5, False)]
    assert live.claim([3], at(1)) == [(3, True)]


def test_an_early_twin_of_a_fallen_row_may_stand_in_its_place() -> None:
    live = LiveLeaders(RADIUS)
    assert live.claim([4, 6], at(0, 0.2)) == [(4, True), (6, False)]
    assert live.claim([5], at(0.2)) == [(5, False)]
    assert live.claim([3], at(0.2)) == [(3, True), (4, False)]


def test_at_radius_0_only_exact_twins_fall() -> None:
    live = LiveLeaders(0.0)
    assert live.claim([1, 2, 3], at(1, 1, 1.0000001)) == [(1, True), (2, False), (3, True)]
    assert live.claim([0], at(1)) == [(0, True), (1, False)]


def test_a_vector_of_another_width_is_refused() -> None:
    live = LiveLeaders(RADIUS)
    live.claim([1], at(1))
    with pytest.raises(RunError, match="3 components, those before it had 2"):
        live.claim([2], np.ones((1, 3), dtype=np.float32))


@pytest.mark.slow
@pytest.mark.parametrize("window", [1, 300, 6_000], ids=["in order", "nearly", "in any order"])
def test_the_states_are_those_of_the_leaders_at_any_time(window: int) -> None:
    vectors = planted(6_000, 16, seed=1)
    truth = brute(vectors, RADIUS)
    random = np.random.default_rng(window)
    order = np.argsort(np.arange(6_000) + random.uniform(0, window, 6_000))
    live = LiveLeaders(RADIUS)
    states: dict[int, bool] = {}
    start = 0
    for size in np.tile([1, 7, 64, 2], 1000):
        rows = order[start : start + size]
        start += size
        for row, stands in live.claim(rows.tolist(), vectors[rows]):
            assert row in rows or states[row] != stands
            states[row] = stands
        if start % 1000 < size or start >= len(order):
            leader = truth.leaders(order[:start])
            assert states == {row: bool(leader[row] == -1) for row in order[:start].tolist()}
        if start >= len(order):
            break
    assert len(states) == 6_000
    assert [states[row] for row in range(6_000)] == (leaders(vectors, RADIUS) < 0).tolist()
