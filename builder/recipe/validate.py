"""From plain values to a `Recipe`: the models' complaints in words that say what to write.

Faults of the models do not hide those that need the whole recipe to see. So values at fault are
replaced by harmless ones (`STAND_IN`), and the later checks run on what comes out of that.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from builder.recipe.engine_spec import ENGINES, KINDS
from builder.recipe.faults import KeyPath, nearest, show
from builder.recipe.schema import Recipe
from builder.recipe.schema_index import expected, key_of, keys_below, kinds_with, places_of
from builder.recipe.yaml_text import scalar

Complaint = tuple[KeyPath, str, str]
"""Where it is, what was seen there, what to write."""

STAND_IN: Final[dict[str, Any]] = {
    "name": "stand-in",
    "version": "0.0.0",
    "summary": "A stand-in for values at fault.",
    "model": {"id": "demo", "license": "other"},
    "engine": {"kind": "scripted"},
    "seed": 0,
    "target": {"sampled": 10**12},
    "instruction": {"sweep": [{"temperature": 1.98765}], "max_tokens": 1},
    "response": {"max_tokens": 1},
}
"""A recipe that every later check passes. Its temperature is no other point's, or they would be
called the same point."""

_SECTIONS: Final[dict[str, Any]] = {"source": {"dataset": "org/stand-in"}}
"""Stand-ins for sections that `STAND_IN` does without."""

_TYPES: Final = ("int_type", "float_type", "bool_type")


def validate(values: dict[str, Any]) -> tuple[Recipe, list[Complaint]]:
    """Return the recipe and what its models complain of.

    The recipe is the one asked for only when there are no complaints; else values at fault are
    replaced, and what is said of them must not be believed.
    """
    complaints: list[Complaint] = []
    values = copy.deepcopy(values)
    for _ in range(3):  # a section that is replaced may lack keys, and those are filled in next
        try:
            return Recipe.model_validate(values), complaints
        except ValidationError as error:
            details = [(_path(detail), detail) for detail in error.errors(include_url=False)]
            if not complaints:
                complaints = _complaints(details)
            for path, detail in sorted(details, key=_last_index_first, reverse=True):
                _replace(values, path, unknown=detail["type"] == "extra_forbidden")
    return Recipe.model_validate(STAND_IN), complaints


def _path(detail: ErrorDetails) -> KeyPath:
    """Return where a complaint belongs, in the recipe's own terms."""
    path = tuple(detail["loc"])
    if path[:1] == ("engine",) and path[1:2] and path[1] in ENGINES:
        path = (path[0], *path[2:])  # the models are told apart by kind, the recipe's keys are not
    if detail["type"].startswith("union_tag"):
        path = (*path, "kind")
    return path


def _complaints(details: Sequence[tuple[KeyPath, ErrorDetails]]) -> list[Complaint]:
    unknown = [path for path, detail in details if detail["type"] == "extra_forbidden"]
    meant = {
        (*path[:-1], nearest(str(path[-1]), keys_below(key_of(path[:-1])))) for path in unknown
    }
    return [
        _complaint(path, detail)
        for path, detail in details
        if not (_is_missing(detail) and path in meant)  # the misspelled key says it already
        and not (detail["type"] == "too_short" and _holds_another(path, details))
    ]


def _holds_another(path: KeyPath, details: Sequence[tuple[KeyPath, ErrorDetails]]) -> bool:
    """Tell whether something inside is at fault: a list counts its good items only."""
    return any(other != path and other[: len(path)] == path for other, _ in details)


def _is_missing(detail: ErrorDetails) -> bool:
    return detail["type"] in ("missing", "union_tag_not_found")


def _complaint(path: KeyPath, detail: ErrorDetails) -> Complaint:
    kind, seen = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return path, "unknown key", _unknown(path)
    if kind == "model_attributes_type" or (_is_missing(detail) and not isinstance(seen, dict)):
        section = path[:-1] if path[-1] == "kind" else path
        return section, f"saw {show(seen)}", f"write {expected(section)}"
    if _is_missing(detail):
        return path, "missing", write(path)
    if kind == "union_tag_invalid":
        tag = seen.get("kind")
        near = nearest(tag, ENGINES) if isinstance(tag, str) else None
        return path, f"saw {show(tag)}", f"did you mean {near}?" if near else f"write {KINDS}"
    if kind == "string_type" and isinstance(seen, bool):
        return path, f"saw {show(seen)}", f"write {expected(path)}, as text in quotes"
    if kind in _TYPES and isinstance(seen, str):
        quotes = "" if isinstance(scalar(seen), str) else ", without quotes"
        return path, f"saw the text {show(seen)}", f"{write(path)}{quotes}"
    if kind == "literal_error" and isinstance(seen, str):
        near = nearest(seen, ("survivors", "all"))
        return path, f"saw {show(seen)}", f"did you mean {near}?" if near else write(path)
    return path, f"saw {show(seen)}", write(path)


def write(path: KeyPath) -> str:
    """Return the mend that says what to write at a path."""
    return f"write {expected(path)}"


def _unknown(path: KeyPath) -> str:
    """Return what to do about a key that its section does not have."""
    name, section = str(path[-1]), key_of(path[:-1])
    kinds = kinds_with(name) if section == ("engine",) else []
    if kinds:
        return f"it is an option of the kind {' or '.join(kinds)}: leave it out"
    near = nearest(name, keys_below(section))
    if near:
        return f"did you mean {near}?"
    elsewhere = [".".join(key) for key in places_of(name)]
    if elsewhere:
        return f"did you mean {' or '.join(elsewhere)}?"
    return f"known here: {', '.join(keys_below(section))}"


def _last_index_first(item: tuple[KeyPath, ErrorDetails]) -> list[tuple[bool, int, str]]:
    return [
        (isinstance(part, int), part if isinstance(part, int) else 0, str(part)) for part in item[0]
    ]


def _replace(values: dict[str, Any], path: KeyPath, *, unknown: bool) -> None:
    """Put a harmless value at a path, or take it out where none is needed."""
    holder: Any = values
    for part in path[:-1]:
        try:
            holder = holder[part]
        except (KeyError, IndexError, TypeError):
            return
    stand_in = None if unknown else _stand_in(path)
    try:
        if stand_in is None:
            del holder[path[-1]]
        else:
            holder[path[-1]] = copy.deepcopy(stand_in)
    except (KeyError, IndexError, TypeError):
        return


def _stand_in(path: KeyPath) -> object:
    value: Any = STAND_IN | _SECTIONS
    for part in path:
        try:
            value = value[0 if isinstance(part, int) else part]
        except (KeyError, IndexError, TypeError):
            return None
    return value
