"""Squared distances, twice: quick ones with a bound on their error, and those that count.

A float32 matrix product is quick, but its last bits depend on the shape of the block that it was
computed in. So it only says what may be near; whatever lies within its margin is measured anew in
float64, by differences that are squared and summed in one fixed order.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from builder.neighbours.distinct import Distinct
from builder.neighbours.vectors import Doubles, Floats, Ints

UNIT: Final = 2.0**-24
"""The unit roundoff of float32 (IEEE 754 binary32, round to nearest)."""

_PIECE: Final = 1 << 20  # components of a piece of float64 work: 8 MB
_BLOCK: Final = 4096


def margin(width: int, largest: float) -> float:
    """Bound the error of |x|^2 + |y|^2 - 2 x.y in float32, where no |x|^2 exceeds `largest`.

    A dot product of `width` terms errs by at most width u |x||y| in any order of summation (N.
    Higham, Accuracy and Stability of Numerical Algorithms, section 3.1), here twice; 32 u more
    cover the norms, the additions and the bound's own rounding.
    """
    return (2 * width + 32) * UNIT * largest


def upward(bound: Doubles | float) -> Floats:
    """Round to a float32 that is not below."""
    return np.nextafter(np.asarray(bound, dtype=np.float32), np.float32(np.inf))


def measured(left: Floats, right: Floats) -> Doubles:
    """Squared distances in float64 of vectors in pairs: row i of `left` to row i of `right`."""
    gap = left.astype(np.float64)
    gap -= right
    np.square(gap, out=gap)
    total: Doubles = gap.sum(axis=1)
    return total


class Scratch:
    """Memory that is used again: fresh pages for each product cost more than the product."""

    def __init__(self) -> None:
        self._floats = np.empty(0, dtype=np.float32)
        self._flags = np.empty(0, dtype=np.bool_)

    def product(self, left: Floats, right: Floats) -> Floats:
        """Return `left @ right.T`, to be used before the next one is asked for."""
        shape = (len(left), len(right))
        size = shape[0] * shape[1]
        if self._floats.size < size:
            self._floats = np.empty(size, dtype=np.float32)
        out: Floats = np.matmul(left, right.T, out=self._floats[:size].reshape(shape))
        return out

    def flags(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return flags of this shape with any content, to be used before the next."""
        size = int(np.prod(shape))
        if self._flags.size < size:
            self._flags = np.empty(size, dtype=np.bool_)
        return self._flags[:size].reshape(shape)


class Gauge:
    """Measures the distinct vectors of a set by their numbers."""

    def __init__(self, of: Distinct) -> None:
        self.of = of
        self.norms = np.empty(len(of), dtype=np.float32)
        largest = 0.0
        for start in range(0, len(of), _BLOCK):
            block = of.take(np.arange(start, min(start + _BLOCK, len(of))))
            squared = measured(block, np.zeros_like(block))
            self.norms[start : start + _BLOCK] = squared
            largest = max(largest, float(squared.max()))
        self.largest = largest
        self.margin = margin(of.width, largest)
        self._scratch = Scratch()

    def quick(self, left: Ints, right: Ints) -> Floats:
        """Squared distances of all of `left` to all of `right`, wrong by `margin` at most.

        To be used before the next are asked for.
        """
        taken = self.of.take(left)
        found = self._scratch.product(taken, taken if left is right else self.of.take(right))
        found *= -2
        found += self.norms[left][:, None]
        found += self.norms[right]
        return found

    def exact(self, left: Ints, right: Ints) -> Doubles:
        """Squared distances of vectors in pairs: that of `left[i]` to `right[i]`."""
        found = np.empty(len(left), dtype=np.float64)
        step = max(1, _PIECE // self.of.width)
        for start in range(0, len(left), step):
            piece = slice(start, start + step)
            found[piece] = measured(self.of.take(left[piece]), self.of.take(right[piece]))
        return found

    def places(self, quick: Floats, bound: Floats) -> tuple[Ints, Ints]:
        """Return the places (i, j) of a block that are at most `bound`, a row, column or number."""
        flags = self._scratch.flags(quick.shape)
        np.less_equal(quick, bound, out=flags)
        hits = np.flatnonzero(flags)
        return hits // quick.shape[1], hits % quick.shape[1]

    def near(self, quick: Floats, left: Ints, right: Ints, within: float) -> tuple[Ints, Ints]:
        """Return the places (i, j) in a block of `quick` distances that lie within, exactly."""
        i, j = self.places(quick, upward(within + self.margin))
        doubtful = np.flatnonzero(quick[i, j] > within - self.margin)
        good = np.ones(len(i), dtype=np.bool_)
        good[doubtful] = self.exact(left[i[doubtful]], right[j[doubtful]]) <= within
        return i[good], j[good]
