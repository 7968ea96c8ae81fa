"""Checks what a recipe says about columns, against the columns that its rows will have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl

from builder import rows
from builder.annotate import registry
from builder.errors import RecipeError
from builder.recipe.annotators import (
    instruction_columns,
    response_columns,
    whole_set_columns,
)
from builder.recipe.annotators_check import check_annotators
from builder.recipe.faults import nearest, show
from builder.recipe.rules import columns_of, compile_rule
from builder.recipe.schema import Recipe
from builder.recipe.validate import Complaint

_NAME: Final = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")


def check_columns(recipe: Recipe) -> Iterator[Complaint]:
    """Find faults in annotators, rules and the cut. Yields path, what was seen, what to write."""
    yield from check_annotators(recipe)
    yield from _rule_names(recipe)
    for part, columns in (
        ("instruction", instruction_columns(recipe)),
        ("response", response_columns(recipe)),
    ):
        for name, sql in getattr(recipe.rules, part).items():
            complaint = _rule(sql, columns, recipe)
            if complaint:
                yield ("rules", part, name), *complaint
    yield from _cut_column(recipe, response_columns(recipe))
    yield from _quota_column(recipe)


def _rule_names(recipe: Recipe) -> Iterator[Complaint]:
    for part in ("instruction", "response"):
        for name in getattr(recipe.rules, part):
            path = ("rules", part, name)
            if not _NAME.fullmatch(name):
                mend = "write lower-case letters and digits with single - or _ between"
                yield path, f"{show(name)} is no name for a rule", mend
            elif name in rows.RESERVED_DROP_REASONS:
                yield path, f"{show(name)} is a drop reason of magpie's own", "write another name"
            elif part == "response" and name in recipe.rules.instruction:
                message = "is the name of a rule on the instruction too"
                yield path, message, "write another name: it tells why a row was dropped"


def _rule(sql: str, columns: dict[str, pl.DataType], recipe: Recipe) -> tuple[str, str] | None:
    try:
        compile_rule(sql, columns)
    except RecipeError as error:
        return _absent(sql, columns, recipe) or (error.message, error.mend)
    late = [name for name in columns_of(pl.sql_expr(sql)) if name in whole_set_columns(recipe)]
    if late and recipe.target.kept is not None:
        mend = "write target.sampled, or drop near twins by annotate.neighbours.drop_within"
        return f"{late[0]} is known only once all rows are there, which target.kept decides", mend
    return None


def _absent(sql: str, columns: dict[str, pl.DataType], recipe: Recipe) -> tuple[str, str] | None:
    """Say where a column that magpie knows comes from, when the rule cannot have it yet."""
    try:
        named = columns_of(pl.sql_expr(sql))
    except (pl.exceptions.PolarsError, ValueError):
        return None
    unknown = [name for name in named if name not in columns]
    return missing_column(unknown[0], recipe) if unknown else None


def missing_column(name: str, recipe: Recipe) -> tuple[str, str] | None:
    """Say why a known column is not there; None for a name that no stage writes."""
    if name in rows.RESPOND:
        return f"{name} exists only once the response is there", "move it to rules.response"
    for annotator in registry.names():
        declared = registry.annotator(annotator)
        if name in declared.columns and annotator in recipe.annotators:
            when = "after the response" if declared.start else "once all rows are there"
            message = f"{name} is written by the annotator {annotator}, {when}"
            return message, "move it to rules.response"
        if name in declared.columns:
            message = f"{name} is written by the annotator {annotator}"
            return message, f"add {annotator} to annotate"
    if name in rows.SELECTION:
        return f"{name} is what the rules decide", "write a rule on another column"
    return None


def _cut_column(recipe: Recipe, columns: dict[str, pl.DataType]) -> Iterator[Complaint]:
    by = recipe.select.by
    numeric = [name for name, kind in columns.items() if kind.is_numeric()]
    if by in numeric:
        return
    if by in columns:
        yield ("select", "by"), f"{by} is no column of numbers", f"write {', '.join(numeric)}"
        return
    absent = missing_column(by, recipe)
    near = nearest(by, numeric)
    mend = f"did you mean {near}?" if near else f"write {', '.join(numeric)}"
    yield ("select", "by"), *(absent or (f"unknown column {by}", mend))


def _quota_column(recipe: Recipe) -> Iterator[Complaint]:
    """Find faults in the column of the quotas: rows are asked for it before their response."""
    target, columns = recipe.target, instruction_columns(recipe)
    if target.by is None:
        return
    path, kind = ("target", "by"), columns.get(target.by)
    with_labels = [name for name, one in columns.items() if isinstance(one, pl.Enum)]
    if kind is None:
        absent, near = missing_column(target.by, recipe), nearest(target.by, columns)
        mend = f"did you mean {near}?" if near else f"write {', '.join(with_labels)}"
        yield path, *(absent or (f"unknown column {target.by}", mend))
    elif not isinstance(kind, pl.Enum | pl.String | pl.Boolean):
        yield path, f"{target.by} holds no labels", f"write {', '.join(with_labels)}"
    elif isinstance(kind, pl.Enum):
        yield from _quota_labels(target.quotas or {}, target.by, kind.categories.to_list())
    elif target.quotas is None:
        message = f"{target.by} may hold any label, so its rows cannot be dealt out"
        yield ("target", "by"), message, "write quotas: {EN: 100, DE: 50} or the like below target"


def _quota_labels(quotas: Mapping[str, int], by: str, labels: list[str]) -> Iterator[Complaint]:
    for label in quotas:
        if label not in labels:
            near = nearest(label, labels)
            mend = f"did you mean {near}?" if near else f"write {', '.join(labels)}"
            yield ("target", "quotas", label), f"is no label of {by}", mend
