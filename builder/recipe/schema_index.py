"""All keys that a recipe may have, read off its models: for nearest keys and what to write."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import get_args, get_origin

from pydantic.fields import FieldInfo

from builder.recipe.engine_spec import ENGINES
from builder.recipe.faults import KeyPath
from builder.recipe.schema import Recipe
from builder.spec import Spec

KeyPattern = tuple[str, ...]
"""A path with `*` for any index or any name of a rule."""


@cache
def known_keys() -> dict[KeyPattern, str]:
    """Return every key of a recipe with what to write there, sections before what is in them."""
    keys: dict[KeyPattern, str] = {}
    for name, field in Recipe.model_fields.items():
        keys |= _keys((name,), field)
    return keys


def key_of(path: KeyPath) -> KeyPattern:
    """Return the known key that a path is an instance of."""
    parts = tuple("*" if isinstance(part, int) else part for part in path)
    return (*parts[:2], "*") if parts[:1] == ("rules",) and len(parts) == 3 else parts


def keys_below(section: KeyPattern) -> list[str]:
    """Return the names of the keys that stand directly in a section."""
    depth = len(section)
    return [key[-1] for key in known_keys() if len(key) == depth + 1 and key[:depth] == section]


def expected(path: KeyPath) -> str:
    """Return what to write at a path."""
    return known_keys().get(key_of(path), "another value")


def places_of(name: str) -> list[KeyPattern]:
    """Return the known keys that have this name, whatever section they are in."""
    return [key for key in known_keys() if key[-1] == name and "*" not in key]


def kinds_with(option: str) -> list[str]:
    """Return the kinds of engine that take this option."""
    return [kind for kind, model in ENGINES.items() if option in model.model_fields]


def _keys(path: KeyPattern, field: FieldInfo) -> dict[KeyPattern, str]:
    models, several = _models(field.annotation)
    below = {
        key: text
        for model in models
        for name, inner in model.model_fields.items()
        for key, text in _keys((*path, *(["*"] if several else []), name), inner).items()
    }
    if not models:
        text = field.description or "another value"
        return {path: text} | ({(*path, "*"): _ITEMS.get(path, "a text")} if several else {})
    names = sorted({name: None for model in models for name in model.model_fields}, key=_kind_first)
    several_kinds = len(models) > 1 and "kind" in names
    section = f"the keys {', '.join(names)} below it"
    if several_kinds:
        section = "the key kind, and the options of that kind, below it"
    if several:
        return {path: field.description or "a list", (*path, "*"): section, **below}
    return {path: section, **below}


def _kind_first(name: str) -> bool:
    return name != "kind"


_ITEMS = {
    ("rules", "instruction"): "an SQL condition",
    ("rules", "response"): "an SQL condition",
    ("annotate",): "the name of an annotator",
    ("engine", "endpoint"): "an address such as http://localhost:8080",
    ("engine", "gpus"): "the index of a GPU, 0 or more",
    ("engine", "launcher"): "a flag of text-generation-launcher, or its value",
}


def _models(annotation: object) -> tuple[list[type[Spec]], bool]:
    """Return the models inside a field's type, and whether it holds several values."""
    several = any(
        get_origin(part) is tuple or get_origin(part) is dict for part in _parts(annotation)
    )
    models = [
        part for part in _parts(annotation) if isinstance(part, type) and issubclass(part, Spec)
    ]
    return models, several


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
