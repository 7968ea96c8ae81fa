"""Near twins while rows are sampled: who stands, and whose state changes when a row comes late."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from builder.neighbours.live import LiveLeaders
from builder.neighbours.vectors import matrix


class NearTwins:
    """The vectors of the rows that have come so far. A row falls to an earlier one that stands.

    `changed` is told of rows whose state another row has changed: (row, whether it stands).
    """

    def __init__(self, radius: float) -> None:
        self.changed: Callable[[int, bool], None] = lambda row, stands: None  # noqa: ARG005
        self._leaders = LiveLeaders(radius)
        self._stands: dict[int, bool] = {}

    def claim(self, row: int, vector: bytes) -> bool:
        """Say whether a row stands, as far as rows have come. The same row may ask again."""
        if row not in self._stands:
            changes = self._leaders.claim([row], matrix(pl.Series([vector], dtype=pl.Binary)))
            for other, stands in changes:
                self._stands[other] = stands
                if other != row:
                    self.changed(other, stands)
        return self._stands[row]

    def stands(self, row: int) -> bool:
        """Whether a row that has asked stands now."""
        return self._stands[row]
