"""Near twins while rows are sampled: who stands, and whose state changes when a row comes late."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from builder.neighbours.taking_back import RevocableLeaders
from builder.neighbours.vectors import matrix


class NearTwins:
    """The vectors of the rows that have come so far. A row falls to an earlier one that stands.

    `changed` is told of rows whose state another row has changed: (row, whether it stands).
    """

    def __init__(self, radius: float) -> None:
        self.changed: Callable[[int, bool], None] = lambda row, stands: None  # noqa: ARG005
        self._leaders = RevocableLeaders(radius)
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
