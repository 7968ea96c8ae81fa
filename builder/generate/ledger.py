"""Which rows are settled, how many are kept, and whether more are needed.

Rows come in any order; what the ledger says of a target depends on row numbers alone. A row is
taken into account once all rows before it are settled, so a run that was killed and one that was
not end at the same row.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from typing import Final

from builder.errors import RunError
from builder.recipe.goal import Goal
from builder.run.course import PATIENCE, Course

Key = bytes

OPEN, DROPPED, KEPT = 0, 1, 2
NEW, REPEATED, SKIPPED = 4, 8, 16
"""Flags beside the state: its instruction is new, repeats another, its label had enough rows."""

_STATE: Final = 3


class Ledger:
    """The state of all rows, a byte each, and the first row of every distinct instruction."""

    def __init__(self, goal: Goal) -> None:
        self.goal = goal
        self.settled = 0
        self.kept = 0
        self.frontier = 0  # rows 0 .. frontier-1 are settled and taken into account
        self.reopened: list[int] = []
        """Rows that were skipped and are wanted after all; who takes them empties it."""
        self._course = Course(goal)
        self._states = bytearray()
        self._first: dict[Key, int] = {}
        self._labels: dict[int, str | None] = {}  # of rows behind the frontier, with quotas alone
        self._kept_of: dict[str | None, list[int]] = defaultdict(list)  # label -> rows, ascending

    def claim(self, row: int, key: Key) -> bool:
        """Say whether `row` is the first with this instruction, as far as rows have come.

        A later row that was here before turns out to be the twin, and is dropped after all.
        """
        first = self._first.get(key, row)
        if first < row:
            return False
        if first > row:
            self.fall(first)
        self._first[key] = row
        return True

    def holder(self, key: Key) -> int | None:
        """The first row with an instruction, as far as rows have come."""
        return self._first.get(key)

    def full(self, row: int, label: str | None) -> bool:
        """Whether rows before `row` have filled the quota of its label, as far as we know."""
        quotas = self.goal.quotas
        if quotas is None:
            return False
        return bisect.bisect_left(self._kept_of[label], row) >= quotas.get(label or "", 0)

    def settle(
        self,
        row: int,
        key: Key | None,
        *,
        kept: bool,
        label: str | None = None,
        near: bool = False,
        skipped: bool = False,
    ) -> None:
        """Record that nothing more is asked for `row`.

        `key` is None where it has no claim to its instruction, `near` says that an earlier row
        has nearly the same one, `skipped` that its label had enough.
        """
        first = key is not None and self._first.get(key) == row and not near
        kept = kept and first
        if row >= len(self._states):
            self._states.extend(bytes(row + 1 - len(self._states)))
        claim = 0 if key is None else NEW if first else REPEATED
        self._states[row] = (KEPT if kept else DROPPED) | claim | (SKIPPED if skipped else 0)
        self.settled += 1
        self.kept += kept
        if self.goal.quotas is not None:
            self._labels[row] = label
            if kept:
                bisect.insort(self._kept_of[label], row)
        self._advance()

    def fall(self, row: int) -> None:
        """Drop a row that was settled: an earlier one has its instruction, or nearly so."""
        if row >= len(self._states) or self._states[row] == OPEN:
            return
        if self._states[row] & _STATE == KEPT:
            self.kept -= 1
            if self.goal.quotas is not None:
                self._kept_of[self._labels[row]].remove(row)
        self._states[row] = DROPPED | REPEATED

    def reopen(self, row: int) -> bool:
        """Take back that a row is settled. False where it was not."""
        if row >= len(self._states) or self._states[row] == OPEN:
            return False
        self.fall(row)
        self._states[row] = OPEN
        self.settled -= 1
        return True

    def _advance(self) -> None:
        course = self._course
        while course.end is None and self.frontier < len(self._states):
            state = self._states[self.frontier]
            if state == OPEN:
                return
            label = self._labels.get(self.frontier)
            if state & SKIPPED and not course.full(label):
                self.reopen(self.frontier)  # a row that filled its quota has fallen since
                self.reopened.append(self.frontier)
                return
            new = None if not state & (NEW | REPEATED) else bool(state & NEW)
            kept = state & _STATE == KEPT and not course.full(label)
            course.take(kept=kept, label=label, new=new)
            self._labels.pop(self.frontier, None)
            self.frontier += 1

    @property
    def course(self) -> Course:
        """The count of the rows behind the frontier."""
        return self._course

    @property
    def reached(self) -> bool:
        """Whether rows of which all before are settled bring the run to its end."""
        return self._course.end is not None

    def wants(self, row: int, in_flight: int) -> bool:
        """Whether `row` should be started while `in_flight` others are still open.

        Rows in flight are counted as kept at the rate of those before, so that the end of a run
        neither stalls nor pays for many rows that nobody asked for.
        """
        goal = self.goal
        if goal.available is not None and row >= goal.available:
            return False
        if goal.quotas is not None:
            return in_flight == 0 or self._quota_open(in_flight)
        if goal.kept is None:
            return row < (goal.sampled or 0)
        return in_flight == 0 or self.kept + in_flight * self._share(self.kept) < goal.kept

    def _quota_open(self, in_flight: int) -> bool:
        """Whether some quota stays open even if the rows in flight are like those before."""
        quotas = self.goal.quotas or {}
        kept = {label: len(self._kept_of[label]) for label in quotas}
        return any(
            kept[label] + in_flight * self._share(kept[label], 1 / len(quotas)) < wanted
            for label, wanted in quotas.items()
        )

    def _share(self, kept: int, unknown: float = 1.0) -> float:
        return kept / self.settled if self.settled >= 100 else unknown

    def check_hope(self) -> None:
        """Raise `RunError` when thousands of rows went by and none was kept.

        Rows that exist already come to an end by themselves.
        """
        course, goal = self._course, self.goal
        if goal.kept is None or goal.available is not None:
            return
        if course.end is not None or course.barren < PATIENCE:
            return
        raise RunError(
            f"none of the last {course.barren} rows was kept: {self.kept} of "
            f"{self.goal.kept} rows so far, {self.settled} sampled",
            mend="`magpie status` shows which rule drops them, `magpie show --dropped` the "
            "rows. Loosen that rule in the recipe and run `magpie build` again.",
        )
