"""How much time and how many tokens a row takes, measured while the engine is in full swing.

While a run begins, tokens are spent on rows of which none is finished; so nothing is measured
before as many rows have been finished as were under way at once. From then on as many rows are
under way at the end of a stretch as at its beginning, and what was spent in between is what
finished rows cost.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

SPAN: Final = 600.0
"""Seconds over which the pace is measured: long enough to be calm, short enough to follow a
server that goes away."""

FEWEST: Final = 100
"""Rows that a measurement spans at least, however long they take."""


@dataclass(frozen=True)
class Mark:
    """Counts at one moment: seconds since sampling began, rows settled, tokens in and out."""

    seconds: float
    settled: int
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True)
class Each:
    """What one row takes on average."""

    seconds: float
    tokens_in: float
    tokens_out: float


class Pace:
    """Marks of the last ten minutes. `least` rows make a first measurement."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._first: int | None = None  # rows that an earlier process had settled
        self._under_way = 0
        self._marks: deque[Mark] = deque()

    def mark(self, mark: Mark, under_way: int) -> None:
        """Take in the present counts; `under_way` requests are in flight."""
        if self._first is None:
            self._first = mark.settled
        if not self._marks:
            self._under_way = max(self._under_way, under_way)
            if mark.settled - self._first < self._under_way:
                return
        self._marks.append(mark)
        while len(self._marks) > 2 and self._long(self._marks[1], mark):
            self._marks.popleft()

    @staticmethod
    def _long(start: Mark, end: Mark) -> bool:
        """Whether enough lies between two marks."""
        return end.seconds - start.seconds >= SPAN and end.settled - start.settled >= FEWEST

    def each(self) -> Each | None:
        """What a row takes; None while too few have been finished."""
        if not self._marks:
            return None
        start, end = self._marks[0], self._marks[-1]
        rows = end.settled - start.settled
        if rows < self._least:
            return None
        return Each(
            (end.seconds - start.seconds) / rows,
            (end.tokens_in - start.tokens_in) / rows,
            (end.tokens_out - start.tokens_out) / rows,
        )
