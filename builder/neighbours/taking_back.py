"""Leaders of which rows can be taken back, as when one turns out to be another row's exact twin."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import Final

from builder.neighbours.live import LiveLeaders
from builder.neighbours.vectors import Floats

_STANDS: Final = -1  # as LiveLeaders has it
_GONE: Final = -2


class RevocableLeaders(LiveLeaders):
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
