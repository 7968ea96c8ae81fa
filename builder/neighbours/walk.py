"""Ways through all pairs of a set's distinct vectors, in blocks small enough to be computed.

A block is two arrays of numbers, of which every one of the first is paired with every one of the
second. Where both are the same array, its own pairs are meant. No pair is in two blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from builder.neighbours.cells import Cells
from builder.neighbours.gauge import Gauge, Scratch
from builder.neighbours.sketch import passing, reach, sketch_of, survivors
from builder.neighbours.vectors import Floats, Ints

Block = tuple[Ints, Ints]

_SIDE: Final = 2048  # vectors on a side of a block: its product stays in the cache
_SAMPLE: Final = 8192  # vectors that the sketch is learnt from


def pieces(numbers: Ints) -> list[Ints]:
    """Cut numbers into arrays of a block's side."""
    return [numbers[start : start + _SIDE] for start in range(0, len(numbers), _SIDE)]


def crossed(left: Ints, right: Ints) -> Iterator[Block]:
    """Yield the blocks of all of one with all of the other."""
    for one in pieces(left):
        for other in pieces(right):
            yield one, other


def among(numbers: Ints) -> Iterator[Block]:
    """Yield the blocks of all pairs of these."""
    cut = pieces(numbers)
    for place, one in enumerate(cut):
        for other in cut[place:]:
            yield one, other


def near_blocks(gauge: Gauge, cells: Cells, radius: float) -> Iterator[Block]:
    """Yield blocks that hold every pair within `radius`, and little else."""
    known = gauge.of
    sketch = sketch_of(known.take(np.arange(min(len(known), _SAMPLE))))
    bound = reach(radius, known.width, gauge.largest)
    sketches = np.empty((len(known), sketch.basis.shape[1] + 2), dtype=np.float32)
    for numbers in pieces(np.arange(len(known))):
        sketches[numbers] = sketch.of(known.take(numbers))
    scratch = Scratch()
    for cell in range(len(cells)):
        members = cells.members(cell)
        if members.size:
            yield from _sifted(among(members), sketches, bound, scratch)
            yield from _sifted(crossed(cells.reaching(cell), members), sketches, bound, scratch)


def _sifted(
    blocks: Iterator[Block], sketches: Floats, bound: float, scratch: Scratch
) -> Iterator[Block]:
    """Leave out of each block the vectors whose sketch is far from all others."""
    for left, right in blocks:
        flags = passing(sketches[left], sketches[right], bound, scratch)
        if left is right:
            np.fill_diagonal(flags, False)
        rows, columns = survivors(flags)
        if left is right and rows.size:
            both = left[np.union1d(rows, columns)]
            yield both, both
        elif rows.size:
            yield left[rows], right[columns]
