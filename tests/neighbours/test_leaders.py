from __future__ import annotations

import numpy as np
import pytest

from builder.neighbours import pairs
from builder.neighbours.leaders import leaders
from builder.neighbours.pairs import pairs_within
from tests.neighbours.planted import large, planted

RADIUS = 0.05


def line(*places: float) -> np.ndarray:
    return np.float32([[place, 0.0] for place in places])


def test_of_a_chain_every_second_row_stands() -> None:
    assert leaders(line(0, 0.2, 0.4, 0.6, 0.8), RADIUS).tolist() == [-1, 0, -1, 2, -1]


def test_the_earliest_stands_and_only_who_stands_makes_others_fall() -> None:
    assert leaders(line(0.2, 0, 0.4, 0.6), RADIUS).tolist() == [-1, 0, 0, -1]


def test_a_row_falls_to_the_lowest_of_those_that_stand() -> None:
    assert leaders(line(0.4, 0, 0.2), RADIUS).tolist() == [-1, -1, 0]


def test_twins_fall_to_the_first_of_them_or_to_whom_it_falls() -> None:
    assert leaders(line(5, 5, 0, 0.1, 5, 0.1), RADIUS).tolist() == [-1, 0, -1, 2, 0, 2]
    assert leaders(line(5, 5, 0, 0.1, 5, 0.1), 0.0).tolist() == [-1, 0, -1, -1, 0, 3]


def test_no_rows_have_no_leaders() -> None:
    assert leaders(np.empty((0, 3), dtype=np.float32), RADIUS).tolist() == []


@pytest.mark.slow
def test_pairs_and_leaders_of_20000_vectors_are_those_of_brute_force() -> None:
    vectors, truth = large()
    assert (leaders(vectors, RADIUS) == truth.leaders(np.arange(20_000))).all()
    assert set_of_pairs(vectors) == expected_pairs(vectors, truth.near)


def set_of_pairs(vectors: np.ndarray) -> set[tuple[int, int]]:
    i, j, squared = pairs_within(vectors, RADIUS)
    exact = vectors.astype(np.float64)
    assert np.allclose(squared, ((exact[i] - exact[j]) ** 2).sum(axis=1), rtol=1e-12, atol=0)
    assert (i < j).all()
    assert (np.lexsort((j, i)) == np.arange(len(i))).all()
    found = set(zip(i.tolist(), j.tolist(), strict=True))
    assert len(found) == len(i)
    return found


def expected_pairs(
    vectors: np.ndarray, near: tuple[np.ndarray, np.ndarray]
) -> set[tuple[int, int]]:
    first: dict[bytes, int] = {}
    heads = {first.setdefault(row.tobytes(), place) for place, row in enumerate(vectors)}
    return {
        (i, j)
        for i, j in zip(near[0].tolist(), near[1].tolist(), strict=True)
        if i < j and i in heads and j in heads
    }


def test_cells_and_all_pairs_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = planted(3_000, 32, seed=5)
    by_all = pairs_within(vectors, RADIUS)
    monkeypatch.setattr(pairs, "_SMALL", 0)
    by_cells = pairs_within(vectors, RADIUS)
    assert [one.tolist() for one in by_all] == [one.tolist() for one in by_cells]


def test_ten_thousand_twins_make_no_pairs_among_themselves() -> None:
    vectors = np.zeros((10_002, 2), dtype=np.float32)
    vectors[10_000:, 0] = 0.1
    i, j, squared = pairs_within(vectors, RADIUS)
    assert (i.tolist(), j.tolist()) == ([0], [10_000])
    assert squared.tolist() == [float(np.float32(0.1)) ** 2]
