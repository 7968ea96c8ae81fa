"""Which rows are settled, how many are kept, and whether more are needed.

Rows come in any order; what the ledger says of a target depends on row numbers alone. A target
of N kept rows is reached at the row R with which the N-th row is kept while all before it are
settled, so a run that was killed and one that was not end at the same R.
"""

from __future__ import annotations

from builder.errors import RunError
from builder.recipe.schema import Target

Key = bytes

PATIENCE = 5_000
"""Rows in a row of which none is kept, after which a target of kept rows is called unreachable."""

OPEN, DROPPED, KEPT = 0, 1, 2


class Ledger:
    """The state of all rows, a byte each, and the first row of every distinct instruction."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.settled = 0
        self.kept = 0
        self.frontier = 0  # rows 0 .. frontier-1 are settled
        self._kept_in_front = 0  # kept rows before the frontier: final
        self._barren = 0  # rows before the frontier since the last kept one
        self._states = bytearray()
        self._first: dict[Key, int] = {}

    def claim(self, row: int, key: Key) -> bool:
        """Say whether `row` is the first with this instruction, as far as rows have come.

        A later row that was here before turns out to be the twin, and is dropped after all.
        """
        first = self._first.get(key, row)
        if first < row:
            return False
        if first > row:
            self._drop_twin(first)
        self._first[key] = row
        return True

    def settle(self, row: int, key: Key | None, *, kept: bool) -> None:
        """Record that nothing more is asked for `row`. `key` is None where it has no claim."""
        kept = kept and key is not None and self._first.get(key) == row
        if row >= len(self._states):
            self._states.extend(bytes(row + 1 - len(self._states)))
        self._states[row] = KEPT if kept else DROPPED
        self.settled += 1
        self.kept += kept
        self._advance()

    def _drop_twin(self, row: int) -> None:
        if row < len(self._states) and self._states[row] == KEPT:
            self._states[row] = DROPPED
            self.kept -= 1

    def _advance(self) -> None:
        while self.frontier < len(self._states) and self._states[self.frontier] != OPEN:
            kept = self._states[self.frontier] == KEPT
            self._kept_in_front += kept
            self._barren = 0 if kept else self._barren + 1
            self.frontier += 1

    @property
    def reached(self) -> bool:
        """Whether the target is reached by rows of which all before are settled."""
        if self.target.kept is not None:
            return self._kept_in_front >= self.target.kept
        return self.frontier >= (self.target.sampled or 0)

    def wants(self, row: int, in_flight: int) -> bool:
        """Whether `row` should be started while `in_flight` others are still open.

        Rows in flight are counted as kept at the rate of those before, so that the end of a run
        neither stalls nor pays for many rows that nobody asked for.
        """
        if self.target.kept is None:
            return row < (self.target.sampled or 0)
        share = self.kept / self.settled if self.settled >= 100 else 1.0
        return in_flight == 0 or self.kept + in_flight * share < self.target.kept

    def check_hope(self) -> None:
        """Raise `RunError` when thousands of rows went by and none was kept."""
        if self.target.kept is not None and self._barren >= PATIENCE and not self.reached:
            raise RunError(
                f"none of the last {self._barren} rows was kept: {self.kept} of "
                f"{self.target.kept} rows so far, {self.settled} sampled",
                mend="`magpie status` shows which rule drops them, `magpie show --dropped` the "
                "rows. Loosen that rule in the recipe and run `magpie build` again.",
            )
