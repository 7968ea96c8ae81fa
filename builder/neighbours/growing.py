"""Vectors that come one after the other: kept for good, and found again when a near one comes.

The vectors lie in blocks, so none is ever copied to make room for others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from builder.neighbours.cells import Centres, apart, learnt, leeways
from builder.neighbours.gauge import UNIT, Scratch, measured
from builder.neighbours.sketch import Sketch, reach, sketch_of
from builder.neighbours.vectors import Doubles, Floats, Ints

_BLOCK: Final = 4096  # vectors that memory is taken for at a time
_SMALL: Final = 2048  # vectors up to which one cell is enough
_FIRST: Final = 64  # vectors at which the sketch is first learnt from more than one
_GROWTH: Final = 3  # times as many vectors as at the last parting: they are parted anew
_SAMPLE: Final = 20  # vectors a cell that its centre is learnt from


class Kept:
    """Vectors by number, in the order in which they came."""

    def __init__(self) -> None:
        self._blocks: list[Floats] = []
        self._count = 0
        self.largest = 0.0
        """Their largest squared norm."""

    def __len__(self) -> int:
        return self._count

    @property
    def width(self) -> int:
        """Components of a vector."""
        return int(self._blocks[0].shape[1])

    def add(self, vector: Floats) -> int:
        """Keep a vector and return its number."""
        place = self._count % _BLOCK
        if not place:
            self._blocks.append(np.empty((_BLOCK, len(vector)), dtype=np.float32))
        self._blocks[-1][place] = vector
        self.largest = max(self.largest, float(np.square(vector, dtype=np.float64).sum()))
        self._count += 1
        return self._count - 1

    def one(self, number: int) -> Floats:
        """Return the vector with this number."""
        found: Floats = self._blocks[number // _BLOCK][number % _BLOCK]
        return found

    def take(self, numbers: Ints) -> Floats:
        """Return a copy of the vectors with these numbers."""
        found = np.empty((len(numbers), self.width), dtype=np.float32)
        block = numbers // _BLOCK
        for one in np.unique(block):
            here = block == one
            found[here] = self._blocks[one][numbers[here] % _BLOCK]
        return found


class _Cell:
    """Numbers of vectors and their sketches, in memory that doubles when it is full."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self.numbers = np.empty(4, dtype=np.int64)
        self.sketches = np.empty((4, width), dtype=np.float32)

    def extend(self, numbers: Ints, sketches: Floats) -> None:
        """Take in more."""
        end = self.count + len(numbers)
        if end > len(self.numbers):
            room = max(end, 2 * self.count)
            self.numbers = np.resize(self.numbers, room)
            self.sketches = np.resize(self.sketches, (room, self.sketches.shape[1]))
        self.numbers[self.count : end] = numbers
        self.sketches[self.count : end] = sketches
        self.count = end


@dataclass(frozen=True)
class Look:
    """Where a vector lies: its number, itself, its sketch and its offsets from the centres."""

    number: int
    vector: Floats
    sketch: Floats
    offsets: Floats


class Index:
    """Finds those of the vectors put into it that lie within a radius of another: all of them.

    The vectors are parted as in `cells`, and within a cell their sketches are asked first. When
    there are three times as many as at the last parting, they are parted anew.
    """

    def __init__(self, kept: Kept, radius: float) -> None:
        """Hold numbers of `kept`; `radius` is a squared distance."""
        self._kept = kept
        self._bound = radius
        self._radius = radius**0.5
        self._sketch: Sketch | None = None
        self._centres: Centres
        self._apart: Doubles
        self._cells: list[_Cell] = []
        self._size = 0
        self._parted_at = 0

    def look(self, number: int) -> Look:
        """Say where a vector lies, for `near` and `add`: good until the next vector is added."""
        vector = self._kept.one(number)
        if self._sketch is None:
            return Look(number, vector, vector, vector)
        sketch = self._sketch.of(vector[None])[0]
        return Look(number, vector, sketch, self._centres.offsets(vector[None])[0].copy())

    def add(self, look: Look) -> None:
        """Put a vector in."""
        number = np.array([look.number])
        if self._sketch is None or self._size >= max(_FIRST, _GROWTH * self._parted_at):
            self._part(np.append(self._numbers(), number))
            return
        self._cells[int(look.offsets.argmin())].extend(number, look.sketch[None])
        self._size += 1

    def near(self, look: Look) -> Ints:
        """Return the numbers of all vectors in it at a squared distance of at most the radius."""
        if self._sketch is None:
            return np.empty(0, dtype=np.int64)
        least = self._least(look.sketch)
        question = look.sketch.copy()
        question[-1] = 1
        found = [np.empty(0, dtype=np.int64)]
        for cell in self._reached(look):
            held = self._cells[cell]
            hits = np.flatnonzero(held.sketches[: held.count] @ question >= least)
            if hits.size:
                found.append(held.numbers[hits])
        maybe = np.concatenate(found)
        if not maybe.size:
            return maybe
        vectors = self._kept.take(maybe)
        distance = measured(vectors, np.broadcast_to(look.vector, vectors.shape))
        return maybe[distance <= self._bound]

    def _reached(self, look: Look) -> Ints:
        """Cells that can hold a vector within the radius; see `cells`."""
        own = int(look.offsets.argmin())
        width, largest = len(look.vector), self._kept.largest
        leeway = leeways(self._apart[own], self._radius, width, largest)
        return np.flatnonzero(look.offsets <= look.offsets[own] + leeway)

    def _least(self, sketch: Floats) -> float:
        """Return the least product of near sketches; see `passing`.

        No sketch is longer than twice the longest vector.
        """
        largest = self._kept.largest
        bound = reach(self._radius, self._kept.width, largest)
        return (-2 * float(sketch[-1]) - bound) / 2 - (len(sketch) + 8) * UNIT * 8 * largest

    def _numbers(self) -> Ints:
        parts = [cell.numbers[: cell.count] for cell in self._cells]
        return np.concatenate([np.empty(0, dtype=np.int64), *parts])

    def _part(self, numbers: Ints) -> None:
        """Learn centres and sketch from a sample of the vectors, and part all of them."""
        count = 1 if len(numbers) <= _SMALL else int(len(numbers) ** 0.5)
        step = max(1, len(numbers) // (_SAMPLE * count))
        sample = self._kept.take(np.sort(numbers)[::step])
        self._sketch = sketch_of(sample)
        centres = learnt(sample, count)
        self._centres = Centres(centres, Scratch())
        self._apart = apart(centres)
        self._cells = [_Cell(self._sketch.basis.shape[1] + 2) for _ in range(count)]
        for start in range(0, len(numbers), _BLOCK):
            block = numbers[start : start + _BLOCK]
            vectors = self._kept.take(block)
            sketches = self._sketch.of(vectors)
            cell = self._centres.offsets(vectors).argmin(axis=1)
            for one in np.unique(cell):
                self._cells[one].extend(block[cell == one], sketches[cell == one])
        self._size = self._parted_at = len(numbers)
