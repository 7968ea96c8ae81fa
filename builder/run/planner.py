"""When there is a plan, and when it is worth telling anew."""

from __future__ import annotations

from typing import Final

from builder.run.course import Course
from builder.run.pace import Mark, Pace
from builder.run.plan import Plan, Terms, pilot_rows, plan_of
from builder.run.progress import Progress
from builder.run.spent import spent_by

CALM: Final = 10.0
"""Seconds between two plans that are told."""


class Planner:
    """Plans one start of a run, once the pilot is over: so many rows are settled without a gap,
    and half as many at full swing."""

    def __init__(self, course: Course, terms: Terms) -> None:
        self._course = course
        self._terms = terms
        self._pilot = pilot_rows(course.goal)
        self._pace = Pace(self._pilot // 2)
        self._told: tuple[float, Plan] | None = None

    def look(self, progress: Progress) -> Plan | None:
        """Bring `progress.plan` up to date. Return the plan where it is to be told."""
        now = spent_by(progress.stages, progress.seconds, self._terms.gpus)
        mark = Mark(progress.seconds, progress.sampled, now.tokens_in, now.tokens_out)
        self._pace.mark(mark, progress.in_flight)
        each = self._pace.each()
        if each is None or self._course.rows < self._pilot or self._course.end is not None:
            return None
        spent = progress.earlier + now
        plan = plan_of(self._course, progress.sampled, each, spent, self._terms)
        progress.plan = plan
        if self._told is not None:
            when, before = self._told
            if progress.seconds - when < CALM or not plan.differs(before):
                return None
        self._told = progress.seconds, plan
        return plan
