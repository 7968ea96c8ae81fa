"""Cells: which vectors lie together, and which cells can hold a pair within a radius.

Each vector belongs to the cell of its nearest centre (k-means, a few rounds on a sample). Where a
vector x of cell A lies within r of a vector y of cell B, the plane half way between the centres
lies between them, so x is at most r from it: |x - b|^2 - |x - a|^2 <= 2 r |a - b|. Cells whose
centre fails this are left out for x, and no pair is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from builder.neighbours.gauge import Gauge, Scratch, margin, measured, upward
from builder.neighbours.vectors import Doubles, Floats, Ints

PROBES: Final = (8, 16, 32)
"""Cells around a vector in which its nearest is sought: so many at first, then up to so many."""

_SAMPLE: Final = 40  # vectors a cell that its centre is learnt from
_ROUNDS: Final = 6  # of k-means: the cells need be good, not best
_BLOCK: Final = 2048


def learnt(sample: Floats, count: int) -> Floats:
    """Return the centres of `count` cells: Lloyd's k-means from the first vectors on."""
    centres = sample[:count].copy()
    scratch = Scratch()
    for _ in range(_ROUNDS):
        now = Centres(centres, scratch)
        cell = np.concatenate(
            [
                now.offsets(sample[start : start + _BLOCK]).argmin(axis=1)
                for start in range(0, len(sample), _BLOCK)
            ]
        )
        order = np.argsort(cell, kind="stable")
        held, starts, sizes = np.unique(cell[order], return_index=True, return_counts=True)
        for number, start, size in zip(held, starts, sizes, strict=True):
            centres[number] = sample[order[start : start + size]].mean(axis=0, dtype=np.float64)
    return centres


class Centres:
    """The centres of k cells, and how far vectors are from them."""

    def __init__(self, centres: Floats, scratch: Scratch) -> None:
        self.centres = centres
        self._halves = (measured(centres, np.zeros_like(centres)) / 2).astype(np.float32)
        self._scratch = scratch

    def offsets(self, vectors: Floats) -> Floats:
        """Return |c|^2 - 2 x.c of vectors x and centres c; it orders them as |x - c|^2 does.

        To be used before the next are asked for.
        """
        found = self._scratch.product(vectors, self.centres)
        np.subtract(self._halves, found, out=found)
        found *= 2
        return found


def apart(centres: Floats) -> Doubles:
    """Return k x k: the distances |a - b| of the centres, a trifle above what they are."""
    exact = centres.astype(np.float64)
    norms = np.einsum("ij,ij->i", exact, exact)
    squares = norms[:, None] + norms - 2 * (exact @ exact.T)
    root: Doubles = np.sqrt(np.maximum(squares, 0) + 1e-12 * norms.max())
    return root


def leeways(distances: Doubles, radius: float, width: int, largest: float) -> Floats:
    """Return how much farther b may be from x than x's own a, as a difference of squares.

    `distances` are those of `apart`. To 2 r |a - b| comes four times the error of an offset: one
    for each of the two that are compared, and as much again because y may have been given to a
    cell whose centre is not quite nearest.
    """
    return upward(2 * radius * (1 + 1e-6) * distances + 4 * margin(width, largest))


@dataclass(frozen=True)
class Cells:
    """The cells of the distinct vectors of a set, k of them."""

    cell: Ints
    """m: each vector's cell."""
    order: Ints
    """m: vectors by cell."""
    starts: Ints
    """k + 1: where the vectors of a cell begin in `order`."""
    closest: NDArray[np.int32]
    """m x 32, fewer where there are fewer cells: those around each vector, the nearest first."""
    bits: NDArray[np.uint8]
    """k / 8 x m: whether a vector may have another of a cell within the radius, 8 cells a byte."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    def members(self, cell: int) -> Ints:
        """Return the vectors of a cell."""
        return self.order[self.starts[cell] : self.starts[cell + 1]]

    def reaching(self, cell: int) -> Ints:
        """Return the vectors of later cells that may have one of this cell within the radius."""
        flagged = self.bits[cell >> 3] & np.uint8(128 >> (cell & 7))
        return np.flatnonzero((flagged != 0) & (self.cell > cell))

    def probing(self, asking: Ints, ranks: slice) -> Iterator[tuple[Ints, Ints]]:
        """Yield the members of each cell, and which of `asking` have it among these nearest."""
        cells = self.closest[asking, ranks]
        around = cells.shape[1]
        order = np.argsort(cells.ravel(), kind="stable")
        ends = np.searchsorted(cells.ravel()[order], np.arange(len(self) + 1))
        for cell in range(len(self)):
            askers = asking[order[ends[cell] : ends[cell + 1]] // max(around, 1)]
            if askers.size and self.members(cell).size:
                yield self.members(cell), askers


def cells_of(gauge: Gauge, radius: float) -> Cells:
    """Part the distinct vectors of a set into cells, about twice the root of their number."""
    known = gauge.of
    total = len(known)
    count = min(total, max(8, int(2 * total**0.5)))
    centres = learnt(known.take(np.arange(min(total, _SAMPLE * count))), count)
    leeway = leeways(apart(centres), radius, known.width, gauge.largest)
    closest = np.empty((total, min(PROBES[-1], count)), dtype=np.int32)
    bits = np.empty(((count + 7) // 8, total), dtype=np.uint8)
    parting = Centres(centres, Scratch())
    for start in range(0, total, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, total))
        away = parting.offsets(known.take(block))
        closest[block] = _least(away, closest.shape[1])
        own = closest[block, 0]
        least = away[np.arange(len(block)), own]
        flags = away <= leeway[own] + least[:, None]
        bits[:, block] = np.packbits(flags, axis=1).T
    cell = closest[:, 0].astype(np.int64)
    order = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[order], np.arange(count + 1))
    return Cells(cell, order, starts, closest, bits)


def _least(values: Floats, count: int) -> Ints:
    """Return the places of the `count` smallest of each row, the smallest first."""
    rows = np.arange(len(values))[:, None]
    found = np.argpartition(values, count - 1, axis=1)[:, :count]
    ranked: Ints = found[rows, np.argsort(values[rows, found], axis=1, kind="stable")]
    return ranked
