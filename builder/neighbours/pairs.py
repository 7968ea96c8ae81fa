"""All pairs of distinct vectors within a radius."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from builder.neighbours.cells import cells_of
from builder.neighbours.distinct import Distinct, distinct
from builder.neighbours.gauge import Gauge
from builder.neighbours.vectors import Doubles, Floats, Ints, checked
from builder.neighbours.walk import Block, among, near_blocks

_SMALL: Final = 4096  # vectors up to which cells cost more than they save


def pairs_within(vectors: Floats, radius: float) -> tuple[Ints, Ints, Doubles]:
    """Return positions i < j and squared distance, at most `radius`, of all near pairs.

    Of rows with one and the same vector only the first is named: twins of a row have the pairs of
    that row, and ten thousand of them make no fifty million pairs. Sorted by i, then j. Exact at
    any size. Raises `RunError` when the vectors cannot be compared.
    """
    known = distinct(checked(vectors))
    gauge = Gauge(known)
    found = list(near_pairs(gauge, radius))
    left = np.concatenate([np.empty(0, dtype=np.int64), *(one for one, _ in found)])
    right = np.concatenate([np.empty(0, dtype=np.int64), *(other for _, other in found)])
    i, j = known.first[left], known.first[right]
    low, high = np.minimum(i, j), np.maximum(i, j)
    order = np.lexsort((high, low))
    return low[order], high[order], gauge.exact(left[order], right[order])


def near_pairs(gauge: Gauge, radius: float) -> Iterator[tuple[Ints, Ints]]:
    """Yield the numbers of distinct vectors at a squared distance of at most `radius`.

    Each pair once, either one first.
    """
    if radius <= 0:
        return  # distinct vectors are never at distance 0
    for left, right in _blocks(gauge, gauge.of, radius):
        quick = gauge.quick(left, right)
        i, j = gauge.near(quick, left, right, radius)
        if left is right:
            i, j = i[i < j], j[i < j]
        yield left[i], right[j]


def _blocks(gauge: Gauge, known: Distinct, radius: float) -> Iterator[Block]:
    if len(known) <= _SMALL:
        return among(np.arange(len(known)))
    return near_blocks(gauge, cells_of(gauge, radius**0.5), radius**0.5)
