"""The plan: what a run will take, reckoned from its first rows and then from all that came.

The yield is measured on the rows behind the frontier: all of them are settled, so it is not
swayed by rows that are dropped early while others still wait for their response. It is taken to
stay what it is; where a model repeats itself more and more, the plan grows with the run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from builder.recipe.goal import Goal
from builder.recipe.schema import PriceSpec
from builder.run.course import Course
from builder.run.pace import Each
from builder.run.spent import Spent, money
from builder.run.yields import Share

CHANGE: Final = 0.2
"""Change of a figure, as a share of it, from which on a plan is worth telling anew."""


@dataclass(frozen=True)
class Terms:
    """What a run has to do with: known GPUs, price, and a budget in seconds of one GPU."""

    gpus: int = 0
    price: PriceSpec | None = None
    budget: float | None = None


@dataclass(frozen=True)
class Plan:
    """What is to come. Figures are those of the whole run, all its starts; None: not known yet.

    `measured` is the yield. `rows` are to be sampled, most likely and `between` which numbers
    (95 %), until `goal` are kept (before the cut of `select.over`); `kept` is what they bring.
    `scarcest` is the label that a quota waits for longest: label, wanted, kept. `budget`:
    gpu_hours, whether it is enough, and else the rows and kept rows that it brings.
    """

    measured: Share
    goal: int | None
    rows: int | None
    between: tuple[int, int | None]
    kept: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    seconds_left: float | None = None
    gpu_hours: float | None = None
    money: Mapping[str, Any] | None = None
    scarcest: Mapping[str, Any] | None = None
    budget: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields by name; `measured` becomes `yield`."""
        names = (field.name for field in dataclasses.fields(self) if field.name != "measured")
        low, high = self.measured.between
        share = {
            "rows": self.measured.whole,
            "kept": self.measured.part,
            "share": round(self.measured.value, 4),
            "between": [round(low, 4), round(high, 4)],
        }
        return {"yield": share, **{name: _plain(getattr(self, name)) for name in names}}

    def differs(self, other: Plan) -> bool:
        """Whether some figure has changed by a fifth, or what is said of the budget."""
        pairs = [(getattr(self, name), getattr(other, name)) for name in ("rows", "tokens")]
        pairs.append((self.seconds, other.seconds))
        enough = [None if plan.budget is None else plan.budget["enough"] for plan in (self, other)]
        return enough[0] != enough[1] or any(_far(new, old) for new, old in pairs)


def plan_of(course: Course, settled: int, each: Each, spent: Spent, terms: Terms) -> Plan:
    """Reckon a plan: `course` is that of the rows behind the frontier, `spent` that so far."""
    measured, goal = Share(course.kept, course.rows), course.goal
    rows, between, scarcest = _rows(course)
    if rows is not None:
        rows = max(rows, settled)
    plan = Plan(measured, goal.kept, rows, between, scarcest=scarcest)
    if rows is not None:
        plan = _with_costs(plan, rows - settled, each, spent, terms)
    if terms.budget is None:
        return plan
    return dataclasses.replace(plan, budget=_budget(plan, settled, each, spent, terms))


def _rows(course: Course) -> tuple[int | None, tuple[int, int | None], Mapping[str, Any] | None]:
    """Rows to sample in all, between which numbers, and the label that decides it."""
    goal, scarcest = course.goal, None
    if goal.quotas is not None:
        rows, between, scarcest = _quotas(course, goal.quotas)
    elif goal.kept is not None:
        rows, between = Share(course.kept, course.rows).rows_for(goal.kept)
    else:
        rows, between = goal.sampled, (goal.sampled or 0, goal.sampled)
    for bound in (goal.sampled, goal.available):
        if bound is not None:
            rows = bound if rows is None else min(rows, bound)
            between = min(between[0], bound), min(between[1] or bound, bound)
    return rows, between, scarcest


def _quotas(
    course: Course, quotas: Mapping[str, int]
) -> tuple[int | None, tuple[int, int | None], Mapping[str, Any] | None]:
    """Rows until the last quota is met: a label that never came is the scarcest."""
    found = {}
    for label, wanted in quotas.items():
        have = course.labels[label]
        if have < wanted:
            found[label] = Share(have, course.rows).rows_for(wanted)
    if not found:
        return course.rows, (course.rows, course.rows), None
    label = max(found, key=lambda name: (found[name][0] is None, found[name][0] or 0))
    rows, between = found[label]
    return rows, between, {"label": label, "wanted": quotas[label], "kept": course.labels[label]}


def _with_costs(plan: Plan, left: int, each: Each, spent: Spent, terms: Terms) -> Plan:
    """Add what the rows that are left will take, and with what was spent the whole."""
    seconds = left * each.seconds
    total = spent + Spent(
        seconds,
        seconds * terms.gpus,
        seconds * max(1, terms.gpus),
        round(left * each.tokens_in),
        round(left * each.tokens_out),
    )
    return dataclasses.replace(
        plan,
        kept=_kept(plan, plan.rows or 0),
        tokens=total.tokens_out,
        seconds=round(total.seconds, 1),
        seconds_left=round(seconds, 1),
        gpu_hours=round(total.gpu_seconds / 3600, 4),
        money=money(terms.price, total),
    )


def _budget(
    plan: Plan, settled: int, each: Each, spent: Spent, terms: Terms
) -> Mapping[str, Any] | None:
    """Whether the budget will do; where not, what it brings."""
    budget = terms.budget or 0.0
    left, a_row = max(0.0, budget - spent.charged), each.seconds * max(1, terms.gpus)
    rows = settled + int(left / a_row) if a_row else settled
    needed = None if plan.rows is None else (plan.rows - settled) * a_row
    enough = None if needed is None else needed <= left
    brings = {} if enough else {"rows": rows, "kept": _kept(plan, rows)}
    return {"gpu_hours": round(budget / 3600, 4), "enough": enough, **brings}


def _kept(plan: Plan, rows: int) -> int | None:
    """Rows kept of so many that are sampled, never more than are wanted; None with quotas, where
    fewer are kept the more of them are met."""
    if plan.scarcest is not None:
        return None
    kept = round(rows * plan.measured.value)
    return kept if plan.goal is None else min(kept, plan.goal)


def pilot_rows(goal: Goal) -> int:
    """Rows that make a pilot: a tenth of those that are wanted, but 20 to 100.

    100 rows tell a yield of one half to 10 points and one of a tenth to 6 (95 %); the plan says
    how well it knows, and more rows make it better. With fewer than 20 it would say nothing.
    """
    wanted = goal.kept or goal.sampled or goal.available or 0
    return min(100, max(20, wanted // 10))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _far(new: float | None, old: float | None) -> bool:
    if new is None or old is None:
        return new is not old
    return abs(new - old) > CHANGE * max(abs(old), 1e-9)
