"""Checks what a recipe says to its annotators, against what each of them takes and reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from builder.annotate import registry
from builder.annotate.base import Annotator
from builder.recipe.faults import KeyPath, nearest, show
from builder.recipe.schema import Recipe
from builder.recipe.validate import Complaint
from builder.rows import INSTRUCT, RESPOND


def check_annotators(recipe: Recipe) -> Iterator[Complaint]:
    """Find faults in the annotators of a recipe. Yields path, what was seen, what to write."""
    listed = isinstance(recipe.annotate, tuple)
    names = list(recipe.annotate)
    for index, name in enumerate(names):
        path: KeyPath = ("annotate", index if listed else name)
        if name not in registry.names():
            near = nearest(name, registry.names())
            mend = f"did you mean {near}?" if near else f"write {', '.join(registry.names())}"
            yield path, f"unknown annotator {show(name)}", mend
        elif name in names[:index]:
            yield path, f"{show(name)} stands twice", "keep one of the two"
        else:
            declared = registry.annotator(name)
            yield from _options(path, declared, recipe.annotators[name], listed=listed)
            if recipe.source is None:  # a published set may bring the columns
                yield from _inputs(path, declared, names)


def _inputs(path: KeyPath, declared: Annotator, names: list[str]) -> Iterator[Complaint]:
    """Find columns that an annotator reads and that nothing of this recipe writes."""
    there = set(INSTRUCT) | set(RESPOND)
    for name in names:
        if name in registry.names():
            there |= set(registry.annotator(name).columns)
    for column in declared.reads:
        if column not in there:
            writer = next(
                one for one in registry.names() if column in registry.annotator(one).columns
            )
            yield path, f"reads {column}, which {writer} writes", f"add {writer} to annotate"


def _options(
    path: KeyPath, declared: Annotator, told: Mapping[str, Any], *, listed: bool
) -> Iterator[Complaint]:
    try:
        declared.options.model_validate(dict(told))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            where, seen, mend = _complaint(declared.options, detail)
            if listed:  # a list gives no options, so the fault is the missing ones
                mend = (
                    f"write annotate as a section, with {declared.name}: {{{_first(where)}: ...}}"
                )
            yield (*path, *where) if not listed else path, seen, mend


def _first(where: KeyPath) -> str:
    return str(where[0]) if where else "..."


def _complaint(options: type[BaseModel], detail: ErrorDetails) -> Complaint:
    where: KeyPath = tuple(detail["loc"])
    holder, field = _field(options, where)
    if detail["type"] == "extra_forbidden":
        near = nearest(str(where[-1]), holder.model_fields)
        known = ", ".join(holder.model_fields) or "none"
        return where, "unknown key", f"did you mean {near}?" if near else f"known here: {known}"
    if detail["type"] in ("value_error", "assertion_error"):
        message, _, mend = str(detail["ctx"]["error"]).partition("; ")
        return where, message, mend
    text = (field.description if field else None) or "another value"
    if detail["type"] == "missing":
        return where, "missing", f"write {text}"
    return where, f"saw {show(detail['input'])}", f"write {text}"


def _field(options: type[BaseModel], where: KeyPath) -> tuple[type[BaseModel], FieldInfo | None]:
    """The model in which a path ends, and the field that it names."""
    holder, field = options, None
    for part in where:
        field = holder.model_fields.get(str(part))
        if field is None:
            return holder, None
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and part != where[-1]:
            holder = inner
    return holder, field
