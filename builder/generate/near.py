"""Near twins while rows are sampled: who stands, and whose state changes when a row comes late."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from typing import Final

import polars as pl

from builder.neighbours.live import LiveLeaders
from builder.neighbours.vectors import Floats, matrix

_STANDS: Final = -1  # as LiveLeaders has it
_GONE: Final = -2


class NearTwins:
    """The vectors of the rows that have come so far. A row falls to an earlier one that stands.

    `changed` is told of rows whose state another row has changed: (row, whether it stands).
    """

    def __init__(self, radius: float) -> None:
        self.changed: Callable[[int, bool], None] = lambda row, stands: None  # noqa: ARG005
        self._leaders = _Leaders(radius)
        self._stands: dict[int, bool] = {}

    def claim(self, row: int, vector: bytes) -> bool:
        """Say whether a row stands, as far as rows have come. The same row may ask again."""
        if row not in self._stands:
            self._tell(self._leaders.claim([row], matrix(pl.Series([vector], dtype=pl.Binary))))
        return self._stands[row]

    def withdraw(self, row: int) -> None:
        """Take a row back that has turned out to be an exact twin: it stands in nobody's way.

        It need not have asked. Twins in all but case may lie further apart than near twins do.
        """
        if self._stands.pop(row, None) is not None:
            self._tell(self._leaders.withdraw(row))

    def stands(self, row: int) -> bool:
        """Whether a row stands now; False for one that has not asked or was withdrawn."""
        return self._stands.get(row, False)

    def _tell(self, changes: list[tuple[int, bool]]) -> None:
        others = [row for row, _ in changes if row in self._stands]
        self._stands.update(changes)
        for row in others:
            self.changed(row, self._stands[row])


class _Leaders(LiveLeaders):
    """Leaders of which rows can be taken back."""

    def __init__(self, radius: float) -> None:
        super().__init__(radius)
        self._number: dict[int, int] = {}  # row -> number of its vector
        self._twins: dict[int, list[int]] = {}  # number -> its rows, where they were several

    def withdraw(self, row: int) -> list[tuple[int, bool]]:
        """Take back a row that was claimed; return the other rows whose state changed."""
        number = self._number.pop(row)
        others = self._twins.get(number, [row])
        others.remove(row)
        if self._row[number] != row:
            return []
        self._before = {}
        stood = self._leader[number] == _STANDS
        if others:
            self._row[number] = others[0]
        if stood or not others:
            self._leader[number] = _GONE
        if stood:
            led = {one for one in self._led.pop(number, ()) if self._leader[one] == number}
            self._settle_anew(led | ({number} if others else set()))
        told = [(one, self._stands(one, of), was) for one, (of, was) in self._before.items()]
        return sorted((one, now) for one, now, was in told if now != was)

    def _settle_anew(self, open_: Iterable[int]) -> None:
        """Settle vectors that stand no more and have no leader, by row: each finds those before."""
        for one in sorted(open_, key=self._row.__getitem__):
            if self._radius > 0:
                self._settle(one)
            else:
                self._remember(one)
                self._leader[one] = _STANDS

    def _take_in(self, row: int, key: bytes, vector: Floats) -> int:
        known = self._numbers.get(key)
        if known is not None and self._leader[known] == _GONE:
            self._row[known] = row
            self._twins.pop(known, None)
            self._settle_anew([known])
        elif known is not None:
            bisect.insort(self._twins.setdefault(known, [self._row[known]]), row)
        number = super()._take_in(row, key, vector)
        self._number[row] = number
        return number
