"""Checks what a recipe says about columns, against the columns that its rows will have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from builder import rows
from builder.errors import RecipeError
from builder.recipe.faults import nearest, show
from builder.recipe.rules import columns_of, compile_rule
from builder.recipe.schema import Recipe
from builder.recipe.validate import Complaint

_NAME: Final = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")


def check_columns(recipe: Recipe) -> Iterator[Complaint]:
    """Find faults in annotators, rules and the cut. Yields path, what was seen, what to write."""
    yield from _annotators(recipe)
    yield from _rule_names(recipe)
    known = tuple(name for name in recipe.annotate if name in rows.ANNOTATIONS)
    for part, columns in (
        ("instruction", rows.instruction_columns(known)),
        ("response", rows.response_columns(known)),
    ):
        for name, sql in getattr(recipe.rules, part).items():
            complaint = _rule(sql, columns, known)
            if complaint:
                yield ("rules", part, name), *complaint
    yield from _cut_column(recipe, rows.response_columns(known), known)


def _annotators(recipe: Recipe) -> Iterator[Complaint]:
    for index, name in enumerate(recipe.annotate):
        if name not in rows.ANNOTATIONS:
            near = nearest(name, rows.ANNOTATIONS)
            mend = f"did you mean {near}?" if near else f"write {', '.join(rows.ANNOTATIONS)}"
            yield ("annotate", index), f"unknown annotator {show(name)}", mend
        elif name in recipe.annotate[:index]:
            yield ("annotate", index), f"{show(name)} stands twice", "keep one of the two"


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


def _rule(
    sql: str, columns: dict[str, pl.DataType], annotators: tuple[str, ...]
) -> tuple[str, str] | None:
    try:
        compile_rule(sql, columns)
    except RecipeError as error:
        return _absent(sql, columns, annotators) or (error.message, error.mend)
    return None


def _absent(
    sql: str, columns: dict[str, pl.DataType], annotators: tuple[str, ...]
) -> tuple[str, str] | None:
    """Say where a column that magpie knows comes from, when the rule cannot have it yet."""
    try:
        named = columns_of(pl.sql_expr(sql))
    except (pl.exceptions.PolarsError, ValueError):
        return None
    unknown = [name for name in named if name not in columns]
    return missing_column(unknown[0], annotators) if unknown else None


def missing_column(name: str, annotators: tuple[str, ...]) -> tuple[str, str] | None:
    """Say why a known column is not there; None for a name that no stage writes.

    `annotators` are those of the recipe.
    """
    if name in rows.RESPOND:
        return f"{name} exists only once the response is there", "move it to rules.response"
    for annotator, columns in rows.ANNOTATIONS.items():
        if name in columns and annotator in annotators:
            message = f"{name} is written by the annotator {annotator}, after the response"
            return message, "move it to rules.response"
        if name in columns:
            message = f"{name} is written by the annotator {annotator}"
            return message, f"add {annotator} to annotate"
    if name in rows.SELECTION:
        return f"{name} is what the rules decide", "write a rule on another column"
    return None


def _cut_column(
    recipe: Recipe, columns: dict[str, pl.DataType], annotators: tuple[str, ...]
) -> Iterator[Complaint]:
    by = recipe.select.by
    numeric = [name for name, kind in columns.items() if kind.is_numeric()]
    if by in numeric:
        return
    if by in columns:
        yield ("select", "by"), f"{by} is no column of numbers", f"write {', '.join(numeric)}"
        return
    absent = missing_column(by, annotators)
    near = nearest(by, numeric)
    mend = f"did you mean {near}?" if near else f"write {', '.join(numeric)}"
    yield ("select", "by"), *(absent or (f"unknown column {by}", mend))
