"""What is known so far of each distinct vector's neighbours, block after block."""

from __future__ import annotations

from typing import Final

import numpy as np

from builder.neighbours.gauge import Gauge, upward
from builder.neighbours.vectors import Floats, Ints

NOBODY: Final = np.iinfo(np.int64).max
"""Stands for the lowest row where there is none: above any row."""


class Tally:
    """The nearest other vector, how many rows lie within a bound, and the lowest of these.

    Vectors are named by their numbers in `gauge.of`. Two rows of one vector are no business of
    it, but a vector that two rows have is known to have a neighbour at distance 0.
    """

    def __init__(self, gauge: Gauge, within: float) -> None:
        self._gauge = gauge
        self._within = within
        self.best = np.where(gauge.of.size > 1, 0.0, np.inf)
        """m: the squared distance to the nearest seen so far."""
        self.count = np.zeros(len(gauge.of), dtype=np.int64)
        """m: rows with another vector within the bound."""
        self.first = np.full(len(gauge.of), NOBODY, dtype=np.int64)
        """m: the lowest of these rows."""

    def add(self, left: Ints, right: Ints) -> None:
        """Take in a block of pairs that no earlier one held: nearest, count and lowest row."""
        quick = self._gauge.quick(left, right)
        if left is right:
            np.fill_diagonal(quick, np.inf)
        i, j = self._gauge.near(quick, left, right, self._within)
        self._count(left[i], right[j])
        self._nearest(quick, left, right, 1)
        if left is not right:
            self._count(right[j], left[i])
            self._nearest(quick, right, left, 0)

    def probe(self, asking: Ints, members: Ints) -> None:
        """Seek the nearest of each of `asking` among `members`; a vector is not its own."""
        quick = self._gauge.quick(asking, members)
        places = np.searchsorted(members, asking)
        places[places == len(members)] = 0
        itself = np.flatnonzero(members[places] == asking)
        quick[itself, places[itself]] = np.inf
        self._nearest(quick, asking, members, 1)

    def _count(self, whose: Ints, other: Ints) -> None:
        np.add.at(self.count, whose, self._gauge.of.size[other])
        np.minimum.at(self.first, whose, self._gauge.of.first[other])

    def _nearest(self, quick: Floats, whose: Ints, other: Ints, axis: int) -> None:
        """Measure all that may be the nearest for what the quick distances tell.

        `whose` stand along the other axis of `quick` than `axis`.
        """
        margin = self._gauge.margin
        least = quick.min(axis=axis).astype(np.float64)
        bound = upward(np.minimum(self.best[whose], least + margin) + margin)
        down, across = self._gauge.places(quick, bound[:, None] if axis else bound)
        real = np.isfinite(quick[down, across])
        down, across = down[real], across[real]
        i, j = (down, across) if axis else (across, down)
        np.minimum.at(self.best, whose[i], self._gauge.exact(whose[i], other[j]))
