"""The screen: a recipe's rules as two expressions that name the first rule a row fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import polars as pl

from builder.errors import RecipeError
from builder.recipe.annotators import done_column, response_columns
from builder.recipe.cascade import Step, Way, way_of
from builder.recipe.rules import compile_rule
from builder.recipe.schema import Recipe
from builder.rows import Columns

Tests = tuple[tuple[str, pl.Expr], ...]

FEW: Final = 64
"""Rows up to which reasons are picked in Python: planning nested conditions takes Polars about
0.5 ms, as long as Python needs for this many rows."""


@dataclass(frozen=True)
class Stage:
    """The tests of one stage, in the order in which they count."""

    tests: Tests
    """Reason to drop a row, and what must be true for the row to stay: true or false, no null."""

    @cached_property
    def _passes(self) -> list[pl.Expr]:
        return [test.alias(str(number)) for number, (_, test) in enumerate(self.tests)]

    @cached_property
    def _verdict(self) -> pl.Expr:
        verdict = pl.lit(None, dtype=pl.String)
        for reason, passes in reversed(self.tests):
            verdict = pl.when(passes).then(verdict).otherwise(pl.lit(reason))
        return verdict.alias("drop_reason")

    def drop(self, frame: pl.DataFrame) -> pl.Series:
        """Return the first reason to drop each row, or null. Raises `RecipeError`."""
        try:
            if frame.height > FEW:
                return frame.select(self._verdict).to_series()
            rows = frame.select_seq(self._passes).rows()
        except pl.exceptions.PolarsError as error:
            raise self._fault(frame, error) from error
        return pl.Series("drop_reason", [self._first(row) for row in rows], dtype=pl.String)

    def _first(self, passes: tuple[bool, ...]) -> str | None:
        pairs = zip(self.tests, passes, strict=True)
        return next((reason for (reason, _), passed in pairs if not passed), None)

    def _fault(self, frame: pl.DataFrame, error: Exception) -> RecipeError:
        """Find the rule that cannot be computed: Polars names a column at best."""
        for name, test in self.tests:
            try:
                frame.select(test)
            except pl.exceptions.PolarsError as cause:
                fault = f"rule {name!r} cannot be computed on these rows: {cause}"
                break
        else:
            fault = f"the rules cannot be computed on these rows: {error}"
        return RecipeError(fault, mend="Edit the rule, then run the same command again.")


@dataclass(frozen=True)
class Screen:
    """A recipe's rules, compiled once, for one row as it comes or for a million.

    `steps` are as those of the way of its rows: each tells why a row that came so far goes no
    further. Duplicates and quotas are not seen here: they need the other rows. `late` are the
    rules that need all rows of the set.
    """

    way: Way
    steps: tuple[Stage, ...]
    late: Stage


def screen_of(recipe: Recipe) -> Screen:
    """Compile the rules of a recipe. Raises `RecipeError` where one is no predicate."""
    rules, columns = recipe.rules.instruction | recipe.rules.response, response_columns(recipe)
    tests = dict(_compiled(rules, columns))
    way = way_of(recipe)
    steps = tuple(
        Stage((*_reached(step), *((name, tests[name]) for name, _ in step.rules)))
        for step in way.steps
    )
    return Screen(way, steps, Stage(tuple((name, tests[name]) for name, _ in way.late_rules)))


def _reached(step: Step) -> Tests:
    """What must be true of a row before the rules of a step are asked."""
    fine = pl.col(step.error).is_null()
    if step.stage == "instruct":
        return (("failed", fine & pl.col("instruction").is_not_null()),)
    if step.annotation is None:
        settled = pl.col("response").is_not_null() | pl.col("response_error").is_not_null()
        return (("unanswered", settled), ("failed", fine))
    done = pl.col(done_column(step.stage))
    lacks = (pl.col(column).is_null() for column in step.reads)
    asked = ("unanswered", pl.any_horizontal(done, *lacks))
    return (asked, ("unjudged", done & fine)) if step.needed else (asked,)


def _compiled(rules: Mapping[str, str], columns: Columns) -> Tests:
    return tuple((name, _predicate(name, sql, columns)) for name, sql in rules.items())


def _predicate(name: str, sql: str, columns: Columns) -> pl.Expr:
    try:
        return compile_rule(sql, columns)
    except RecipeError as error:
        raise RecipeError(f"rule {name!r} {error.message}", mend=error.mend) from error
