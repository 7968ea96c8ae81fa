from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from builder.errors import RunError
from builder.neighbours.search import find
from tests.neighbours.planted import brute, large, planted, unit

WITHIN = 0.05
ROWS = 20_000
PATHS = pytest.mark.parametrize("exact_up_to", [ROWS, 0], ids=["exact", "cells"])


@pytest.mark.slow
@PATHS
def test_20000_vectors_get_what_brute_force_says_in_five_orders(
    exact_up_to: int,
) -> None:
    vectors, truth = large()
    as_they_are = find(vectors, WITHIN, exact_up_to)
    nearest = np.isclose(as_they_are.distance, truth.distance, rtol=1e-12, atol=1e-15)
    near = truth.count() > 0
    assert 0.1 < near.mean() < 0.5
    assert nearest[near].all()
    if exact_up_to:
        assert (as_they_are.exact, as_they_are.recall) == (True, None)
        assert nearest.all()
    else:
        assert not as_they_are.exact
        assert as_they_are.recall is not None
        assert nearest.mean() >= 0.999
        assert as_they_are.recall >= 0.999
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(ROWS)
        place = np.argsort(order)
        found = find(vectors[order], WITHIN, exact_up_to)
        assert found.distance[place].tobytes() == as_they_are.distance.tobytes()
        assert (found.count[place] == truth.count()).all()
        assert (found.first[place] == truth.first(place)).all()
        assert found.recall == as_they_are.recall


@PATHS
def test_768_components_and_a_memory_map_make_no_difference(
    exact_up_to: int, tmp_path: Path
) -> None:
    vectors = planted(3000, 768)
    truth = brute(vectors, WITHIN)
    on_disk = np.memmap(tmp_path / "vectors", dtype=np.float32, mode="w+", shape=vectors.shape)
    on_disk[:] = vectors
    found = find(on_disk, WITHIN, exact_up_to)
    assert (found.count == truth.count()).all()
    assert (found.first == truth.first(np.arange(3000))).all()
    near = found.count > 0
    assert np.allclose(found.distance[near], truth.distance[near], rtol=1e-12, atol=1e-15)


@PATHS
def test_vectors_without_clusters_lose_no_pair_either(exact_up_to: int) -> None:
    vectors = unit(np.random.default_rng(3).standard_normal((4000, 5)))
    truth = brute(vectors, WITHIN)
    found = find(vectors, WITHIN, exact_up_to)
    assert truth.count().mean() > 1
    assert (found.count == truth.count()).all()
    assert (found.first == truth.first(np.arange(4000))).all()


@PATHS
def test_vectors_far_from_the_origin_and_of_any_length_lose_no_pair(exact_up_to: int) -> None:
    random = np.random.default_rng(4)
    vectors = 100 + random.standard_normal((3000, 5)) * 10 ** random.uniform(-3, 1, (3000, 1))
    vectors = vectors.astype(np.float32)
    truth = brute(vectors, WITHIN)
    found = find(vectors, WITHIN, exact_up_to)
    assert truth.count().max() > 10
    assert (found.count == truth.count()).all()
    assert (found.first == truth.first(np.arange(3000))).all()


@PATHS
def test_a_pair_at_the_very_bound_counts_and_one_just_beyond_does_not(exact_up_to: int) -> None:
    apart = np.arange(3000, dtype=np.float32) * 10
    vectors = np.stack([apart, np.zeros_like(apart), np.zeros_like(apart)], axis=1)
    vectors[1] = vectors[0] + np.float32([0, 0.5, 0])
    vectors[3] = vectors[2] + np.float32([0, 0, np.nextafter(np.float32(0.5), np.float32(1))])
    found = find(vectors, 0.25, exact_up_to)
    assert found.count[:4].tolist() == [1, 1, 0, 0]
    assert found.first[:4].tolist() == [1, 0, -1, -1]
    assert found.distance[0] == 0.25
    assert 0.25 < found.distance[2] < 0.2500001


@PATHS
def test_twins_never_hide_each_other_nor_count_themselves(exact_up_to: int) -> None:
    vectors = np.zeros((12_000, 3), dtype=np.float32)
    vectors[5_000] = [1, 0, 0]
    vectors[7_000, 0] = -0.0
    found = find(vectors, WITHIN, exact_up_to)
    assert found.distance[0] == 0.0
    assert found.distance[5_000] == 1.0
    assert found.count[[0, 1, 5_000, 7_000, 11_999]].tolist() == [11_998, 11_998, 0, 11_998, 11_998]
    assert found.first[[0, 1, 2, 5_000, 7_000]].tolist() == [1, 0, 0, -1, 0]


def test_within_0_only_exact_twins_are_near() -> None:
    vectors = np.float32([[1, 0], [0, 1], [1, 0], [1, 1e-7], [1, 0]])
    found = find(vectors, 0.0)
    assert found.count.tolist() == [2, 0, 2, 0, 2]
    assert found.first.tolist() == [2, -1, 0, -1, 0]
    assert found.distance[3] == float(np.float32(1e-7)) ** 2


@PATHS
def test_few_rows_have_what_there_is(exact_up_to: int) -> None:
    none = find(np.empty((0, 4), dtype=np.float32), WITHIN, exact_up_to)
    assert (none.distance.size, none.count.size, none.first.size) == (0, 0, 0)
    one = find(np.float32([[1, 2]]), WITHIN, exact_up_to)
    assert np.isnan(one.distance).tolist() == [True]
    assert (one.count.tolist(), one.first.tolist()) == ([0], [-1])
    three = find(np.float32([[0], [3], [1]]), WITHIN, exact_up_to)
    assert three.distance.tolist() == [1.0, 4.0, 1.0]


def test_what_is_no_number_is_refused_with_its_place() -> None:
    vectors = np.ones((10, 2), dtype=np.float32)
    vectors[7, 1] = np.nan
    with pytest.raises(RunError, match="position 7 "):
        find(vectors, WITHIN)
