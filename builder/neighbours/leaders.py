"""Who stays of rows that are near to each other: the earliest, and what is not near to it."""

from __future__ import annotations

import numpy as np

from builder.neighbours.distinct import distinct
from builder.neighbours.gauge import Gauge
from builder.neighbours.pairs import near_pairs
from builder.neighbours.vectors import Floats, Ints, checked


def leaders(vectors: Floats, radius: float) -> Ints:
    """Return for each row the lowest standing row before it within `radius`, -1 where it stands.

    A row falls if an earlier row that stands lies at a squared distance of at most `radius`. Of
    a - b - c, where only neighbours in the chain are near, a and c stand. `vectors` are n x d
    float32 by row number. Exact at any size. Raises `RunError` when they cannot be compared.
    """
    known = distinct(checked(vectors))
    leader = np.full(len(known), -1, dtype=np.int64)
    for low, later in _later(known.first, list(near_pairs(Gauge(known), radius))):
        if leader[low] < 0:
            leader[later[leader[later] < 0]] = known.first[low]
    rows = np.arange(len(known.of_row))
    first = known.first[known.of_row]
    own = leader[known.of_row]
    found: Ints = np.where((own < 0) & (first != rows), first, own)
    return found


def _later(first: Ints, pairs: list[tuple[Ints, Ints]]) -> list[tuple[int, Ints]]:
    """Group pairs of vectors: each earlier one, by its first row, with the later ones near it."""
    ends = [np.empty(0, dtype=np.int64)]
    left = np.concatenate(ends + [one for one, _ in pairs])
    right = np.concatenate(ends + [other for _, other in pairs])
    turned = first[left] > first[right]
    early, late = np.where(turned, right, left), np.where(turned, left, right)
    order = np.argsort(first[early], kind="stable")
    early, late = early[order], late[order]
    starts = np.flatnonzero(np.diff(early, prepend=-1))
    groups = np.split(late, starts[1:])
    return list(zip(early[starts].tolist(), groups, strict=True)) if len(starts) else []
