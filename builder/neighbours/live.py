"""Who stays of near rows, while the rows come in, in any order.

After every call the states are those of `leaders` over the rows that have come, exactly and at
any number of rows. A row that comes late may knock down a later one, and that may raise those
which had fallen to it alone; the heap below follows this in the order of rows, so that a row is
settled when all before it are.

Rows with one and the same vector are one: only the earliest of them can stand. Standing vectors
are never near to each other, so what is searched, the standing ones, stays thin however dense the
rows lie.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Final

from builder.errors import RunError
from builder.neighbours.distinct import digests
from builder.neighbours.growing import Index, Kept, Look
from builder.neighbours.vectors import Floats, checked

_STANDS: Final = -1


class LiveLeaders:
    """The states of the rows that have come so far: a row stands or has fallen to an earlier one.

    Holds the different vectors, and for each some 300 bytes and a sketch of 256. To be called in
    one thread at a time.
    """

    def __init__(self, radius: float) -> None:
        """`radius` is a squared distance; at 0 a row falls to exact twins alone."""
        self._radius = radius
        self._width: int | None = None
        self._numbers: dict[bytes, int] = {}  # digest -> number of the vector
        self._row: list[int] = []  # number -> the earliest row that has the vector
        self._leader: list[int] = []  # number -> the number that it has fallen to, or `_STANDS`
        self._led: dict[int, list[int]] = {}  # number -> those that have fallen to it, some since
        self._kept = Kept()
        self._index = Index(self._kept, radius)
        self._indexed: list[bool] = []
        self._before: dict[int, tuple[int, bool]] = {}  # row -> number, and whether it stood

    def claim(self, rows: Sequence[int], vectors: Floats) -> list[tuple[int, bool]]:
        """Take in rows with their vectors, len(rows) x d float32.

        Return (row, whether it stands), by row, of each of them and of every earlier row whose
        state changed. A row that comes again with its vector changes nothing. Raises `RunError`
        when a vector cannot be compared with the others.
        """
        self._check(vectors)
        self._before = {}
        asked: dict[int, int] = {}
        keys = digests(vectors)
        for place in sorted(range(len(rows)), key=rows.__getitem__):  # fewer states change twice
            asked[rows[place]] = self._take_in(rows[place], keys[place], vectors[place])
        told = {row: self._stands(row, number) for row, number in asked.items()}
        for row, (number, stood) in self._before.items():
            if row not in told and self._stands(row, number) != stood:
                told[row] = not stood
        return sorted(told.items())

    def _check(self, vectors: Floats) -> None:
        width = checked(vectors).shape[1]
        if self._width not in (None, width):
            raise RunError(
                f"an embedding has {width} components, those before it had {self._width}",
                mend="Vectors are compared only where one model wrote them all. "
                "Embed these rows anew.",
            )
        self._width = width

    def _stands(self, row: int, number: int) -> bool:
        return self._row[number] == row and self._leader[number] == _STANDS

    def _take_in(self, row: int, key: bytes, vector: Floats) -> int:
        """Give a row its vector's number, and settle what follows."""
        number = self._numbers.setdefault(key, len(self._row))
        if number == len(self._row):
            self._row.append(row)
            self._leader.append(_STANDS)
            self._indexed.append(False)
            if self._radius > 0:
                self._kept.add(vector)
                self._settle(number)
        elif row < self._row[number]:
            self._remember(number)
            self._row[number] = row
            leader = self._leader[number]
            if leader != _STANDS and self._row[leader] > row:
                self._settle(number)
        return number

    def _remember(self, number: int) -> None:
        """Keep the state of a vector's earliest row before it is changed by this call."""
        row = self._row[number]
        self._before.setdefault(row, (number, self._leader[number] == _STANDS))

    def _settle(self, number: int) -> None:
        """Say whether a vector stands, then the same of all that this touches, by row."""
        open_ = [(self._row[number], number)]
        while open_:
            row, one = heapq.heappop(open_)
            look = self._index.look(one)
            near = self._standing(look)
            before = [other for other in near if self._row[other] < row]
            if before:
                self._fall(one, before[0])
                continue
            self._stand(look)
            for other in near:
                self._fall(other, one)
                for led in self._led.pop(other, ()):
                    if self._leader[led] == other:
                        heapq.heappush(open_, (self._row[led], led))

    def _standing(self, look: Look) -> list[int]:
        """Standing vectors near to another."""
        found: list[int] = self._index.near(look).tolist()
        return [one for one in found if one != look.number and self._leader[one] == _STANDS]

    def _stand(self, look: Look) -> None:
        self._remember(look.number)
        self._leader[look.number] = _STANDS
        if not self._indexed[look.number]:
            self._indexed[look.number] = True
            self._index.add(look)

    def _fall(self, number: int, leader: int) -> None:
        self._remember(number)
        self._leader[number] = leader
        self._led.setdefault(leader, []).append(number)
