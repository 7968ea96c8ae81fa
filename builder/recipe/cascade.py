"""The way of a row: what is done with it in which order, and which rules are asked when.

A response costs most and a judgement something, so each rule is asked as soon as its columns are
there, and what it drops goes no further. The order follows from the recipe alone, whatever the
rows are like: the same row is dropped by the same rule on every machine.

    instruct, its rules, exact twins
      -> annotators that cost nothing, embeddings, near twins
      -> judges, the quota                          (all of these read the instruction alone)
      -> respond, its rules -> annotators that read the response
      -> annotators that nothing above needs: only rows that are kept are worth them

An embedding that only tells how near the neighbours are stands where others do, because all rows
are neighbours; a row that has none is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from builder.annotate.base import FAILED, Annotator, Cost
from builder.errors import RecipeError
from builder.recipe.annotators import Annotation, annotations_of
from builder.recipe.goal import cut_of
from builder.recipe.rules import columns_of
from builder.recipe.schema import Recipe
from builder.rows import INSTRUCT, RESPOND

EMBEDDING = "embedding"
"""The annotator, and its column, that near twins are told by."""


@dataclass(frozen=True)
class Step:
    """One step of the way.

    `stage` writes the columns; `annotation` does where it is no stage of the engine. `reads` must
    all be there, or the step is left out. `rules` are name and SQL of those asked after it.
    `needed`: a rule, a quota, the cut, the rule on near twins or a later step that is needed reads
    what it writes, so a row on which it fails is dropped. `twins`, `near_twins` and `quota` say
    what else is decided after its rules.
    """

    stage: str
    annotation: Annotation | None = None
    reads: tuple[str, ...] = ()
    rules: tuple[tuple[str, str], ...] = ()
    needed: bool = True
    twins: bool = False
    near_twins: bool = False
    quota: bool = False

    @property
    def writes(self) -> tuple[str, ...]:
        """The columns that are there after it."""
        if self.annotation is not None:
            return tuple(self.annotation.annotator.columns)
        return tuple(INSTRUCT if self.stage == "instruct" else RESPOND)

    @property
    def error(self) -> str:
        """The column that says why it failed on a row."""
        if self.annotation is not None:
            return f"{self.annotation.name}{FAILED}"
        return "instruction_error" if self.stage == "instruct" else "response_error"


@dataclass(frozen=True)
class Way:
    """All steps of a row, in order, and the rules that need all rows of the set."""

    steps: tuple[Step, ...]
    late_rules: tuple[tuple[str, str], ...] = ()

    def reasons(self) -> tuple[str, ...]:
        """Every drop reason but the last cut, each once, in the order in which they are tried."""
        found = ["failed"]
        for step in self.steps:
            if step.annotation is not None and step.needed:
                found.append("unjudged")
            found += ["unanswered"] if step.stage == "respond" else []
            found += [name for name, _ in step.rules]
            found += ["duplicate"] if step.twins else []
            found += ["near-duplicate"] if step.near_twins else []
            found += ["quota"] if step.quota else []
        return tuple(dict.fromkeys([*found, *(name for name, _ in self.late_rules)]))


def way_of(recipe: Recipe) -> Way:
    """Lay out the way of a recipe's rows. The recipe must have passed its check."""
    listed = [one for one in annotations_of(recipe) if one.annotator.start is not None]
    whole_set = [one.annotator for one in annotations_of(recipe) if one.annotator.start is None]
    late = {column for one in whole_set for column in one.columns}
    looked_at = {column for one in whole_set for column in one.reads}
    rules = [
        (name, sql)
        for part in (recipe.rules.instruction, recipe.rules.response)
        for name, sql in part.items()
    ]
    used = _used(recipe, rules, listed)
    placed = [one for one in listed if one in used or looked_at & set(one.annotator.columns)]
    early = [one for one in placed if not one.annotator.after_response]
    after = [one for one in placed if one.annotator.after_response]
    spare = [one for one in listed if one not in placed]
    respond = Step("respond", reads=("instruction",))
    steps = [
        Step("instruct", twins=True),
        *([respond] if recipe.source else []),  # it is there already, and costs nothing
        *(_step(one, one in used) for one in _in_order(early)),
        *([] if recipe.source else [respond]),
        *(_step(one, one in used) for one in _in_order(after)),
        *(_step(one, False) for one in _in_order(spare)),
    ]
    ruled = _with_rules(steps, [rule for rule in rules if not _columns(rule[1]) & late])
    return Way(
        tuple(_with_decisions(ruled, recipe)),
        tuple(rule for rule in rules if _columns(rule[1]) & late),
    )


def near_radius(recipe: Recipe) -> float | None:
    """Squared distance within which a row is a near twin of an earlier one; None: none is."""
    told = next((one.options for one in annotations_of(recipe) if one.name == "neighbours"), None)
    radius = getattr(told, "drop_within", None)
    return None if radius is None else float(radius)


def _step(annotation: Annotation, needed: bool) -> Step:
    return Step(annotation.stage, annotation, reads=annotation.annotator.reads, needed=needed)


def _columns(sql: str) -> set[str]:
    try:
        return set(columns_of(pl.sql_expr(sql)))
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise RecipeError(f"the rule {sql!r} cannot be read: {error}") from error


def _used(
    recipe: Recipe, rules: Sequence[tuple[str, str]], listed: Sequence[Annotation]
) -> list[Annotation]:
    """The annotators that something waits for: a rule, quota, cut, near twins, or one of these."""
    wanted = {column for _, sql in rules for column in _columns(sql)}
    wanted |= {recipe.target.by} if recipe.target.by else set()
    wanted |= {recipe.select.by} if cut_of(recipe) is not None else set()
    wanted |= {EMBEDDING} if near_radius(recipe) is not None else set()
    for one in annotations_of(recipe):
        if one.annotator.start is None and wanted & set(one.annotator.columns):
            wanted |= set(one.annotator.reads)
    used: list[Annotation] = []
    while True:
        more = [one for one in listed if one not in used and wanted & set(one.annotator.columns)]
        if not more:
            return [one for one in listed if one in used]
        used += more
        wanted |= {column for one in more for column in one.annotator.reads}


def _in_order(found: Iterable[Annotation]) -> list[Annotation]:
    """Cheapest first, else as the recipe lists them, but each after what it reads from."""
    left = sorted(found, key=lambda one: _rank(one.annotator))
    ordered: list[Annotation] = []
    while left:
        missing = {column for one in left for column in one.annotator.columns}
        ready = next((one for one in left if not missing & set(one.annotator.reads)), left[0])
        ordered.append(ready)
        left.remove(ready)
    return ordered


def _rank(annotator: Annotator) -> tuple[bool, Cost]:
    return annotator.after_response, annotator.cost


def _with_rules(steps: Sequence[Step], rules: Sequence[tuple[str, str]]) -> Iterator[Step]:
    """Hand each rule to the first step after which all its columns are there."""
    left, there = list(rules), set[str]()
    for step in steps:
        there |= set(step.writes)
        ready = [rule for rule in left if _columns(rule[1]) <= there]
        left = [rule for rule in left if rule not in ready]
        yield replace(step, rules=tuple(ready))


def _with_decisions(steps: Iterable[Step], recipe: Recipe) -> Iterator[Step]:
    """Mark where near twins and quotas are decided; a quota never before near twins."""
    near, by = near_radius(recipe) is not None, recipe.target.by
    there: set[str] = set()
    decided_near, decided_quota = not near, by is None
    for step in steps:
        there |= set(step.writes)
        near_now = not decided_near and EMBEDDING in there
        decided_near |= near_now
        quota_now = decided_near and not decided_quota and by in there
        decided_quota |= quota_now
        yield replace(step, near_twins=near_now, quota=quota_now)
