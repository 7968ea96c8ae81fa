from __future__ import annotations

import numpy as np

from builder.neighbours.distinct import distinct
from builder.neighbours.gauge import Gauge, Scratch, measured
from builder.neighbours.sketch import Sketch, passing, reach, sketch_of
from tests.neighbours.planted import planted


def test_a_distance_has_the_same_bits_in_any_company_and_from_either_side() -> None:
    vectors = planted(600, 77)
    whole = measured(vectors[:300], vectors[300:])
    alone = [measured(vectors[i : i + 1], vectors[300 + i : 301 + i])[0] for i in range(300)]
    assert whole.tolist() == alone
    assert whole.tolist() == measured(vectors[300:], vectors[:300]).tolist()


def test_quick_distances_err_by_their_margin_at_most() -> None:
    gauge = Gauge(distinct(planted(500, 300) * np.float32(50)))
    numbers = np.arange(len(gauge.of))
    quick = gauge.quick(numbers, numbers).astype(np.float64)
    vectors = gauge.of.take(numbers)
    exact = np.stack([measured(np.broadcast_to(one, vectors.shape), vectors) for one in vectors])
    assert 0 < np.abs(quick - exact).max() <= gauge.margin < 0.5


def test_sketches_within_reach_pass_whatever_the_basis() -> None:
    vectors = planted(800, 200)
    exact = np.stack([measured(np.broadcast_to(one, vectors.shape), vectors) for one in vectors])
    nothing = Sketch(np.zeros(200), np.zeros((200, 62)))
    for sketch in (sketch_of(vectors), sketch_of(vectors[:3]), sketch_of(vectors[:1]), nothing):
        seen = sketch.of(vectors)
        for within in (0.0, 0.0225, 0.05, 1.0):
            flags = passing(seen, seen, reach(within**0.5, 200, 1.001), Scratch())
            assert flags[exact <= within].all()
    seen = sketch_of(vectors).of(vectors)
    few = passing(seen, seen, reach(0.05**0.5, 200, 1.001), Scratch())
    assert few.sum() < 3 * (exact <= 0.05).sum()


def test_the_distinct_vectors_stand_in_one_order_whatever_that_of_the_rows() -> None:
    vectors = planted(500, 8)
    known = distinct(vectors)
    order = np.random.default_rng(0).permutation(500)
    again = distinct(vectors[order])
    numbers = np.arange(len(known))
    assert known.take(numbers).tobytes() == again.take(numbers).tobytes()
    assert (vectors[known.first[known.of_row]] == vectors).all()
    assert known.size.sum() == 500
    assert (known.second[known.size == 1] == -1).all()
    assert (known.second > known.first)[known.size > 1].all()
