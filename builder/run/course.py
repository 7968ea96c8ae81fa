"""When a run has enough: rows taken in the order of their numbers, up to an end.

Sampling and selecting both go by this, so the row at which a run stops is the last row of its
release, whatever the order in which rows came.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Final, Literal

from builder.recipe.goal import Goal

End = Literal["target", "saturated", "unmet", "exhausted"]
"""`target`: all is there that was wanted. `saturated`: the model says too little that is new.
`unmet`: thousands of rows brought nothing to any quota that is open. `exhausted`: no rows are
left in the data set that they come from."""

PATIENCE: Final = 5_000
"""Rows in a row of which none is kept, or helps an open quota, after which it is hopeless."""

NEWEST: Final = 1_000
"""Instructions over which novelty is measured: enough to tell 5 % from 3 % (three standard
errors of a share of 5 % are 2 points)."""


class Course:
    """Counts rows in order. `rows` were taken, `kept` of them; `end` says why that is enough."""

    def __init__(self, goal: Goal) -> None:
        self.goal = goal
        self.rows = 0
        self.kept = 0
        self.labels: Counter[str] = Counter()
        self.barren = 0
        """Rows since the last one that brought the goal nearer."""
        self.end: End | None = None
        self._new: deque[bool] = deque(maxlen=NEWEST)

    def full(self, label: str | None) -> bool:
        """Whether no further row of this label is wanted."""
        quotas = self.goal.quotas
        return quotas is not None and self.labels[label or ""] >= quotas.get(label or "", 0)

    def take(self, *, kept: bool, label: str | None = None, new: bool | None = None) -> None:
        """Count the next row. `new` tells whether it repeats an earlier one; None: not asked."""
        helps = kept and not self.full(label)
        self.rows += 1
        self.kept += kept
        self.barren = 0 if helps else self.barren + 1
        if kept:
            self.labels[label or ""] += 1
        if new is not None:
            self._new.append(new)
        self.end = self._end()

    @property
    def novelty(self) -> float | None:
        """Share of the newest instructions that are new; None until there are enough of them."""
        return sum(self._new) / NEWEST if len(self._new) == NEWEST else None

    def _end(self) -> End | None:
        goal = self.goal
        if goal.quotas is not None:
            if all(self.labels[label] >= wanted for label, wanted in goal.quotas.items()):
                return "target"
            if self.barren >= PATIENCE and goal.available is None:
                return "unmet"
        elif goal.kept is not None and self.kept >= goal.kept:
            return "target"
        if goal.sampled is not None and self.rows >= goal.sampled:
            return "target"
        if goal.available is not None and self.rows >= goal.available:
            return "exhausted"
        dry = goal.novelty is not None and self.novelty is not None and self.novelty < goal.novelty
        return "saturated" if dry else None
