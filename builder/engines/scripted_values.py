"""Invented values that fit a JSON schema, for engines without a model."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from builder.engines.constraint import Schema
from builder.errors import EngineError

FEW: Final = 3
"""Items of a list whose schema sets no bound."""

LARGEST: Final = 10
"""Numbers lie between 0 and this where the schema sets no bounds."""


def invented(schema: Schema, author: random.Random, sentence: Callable[[], str]) -> Any:
    """Return a value that fits `schema`; texts are made of what `sentence` returns.

    Known are `enum`, `const`, and the types with their bounds. An object has all of its
    properties, in the order of the schema. Items that are chosen from an `enum` do not repeat.
    Raises `EngineError` for a schema without any of these.

    >>> say = lambda: "Why?"
    >>> invented({"type": "object", "properties": {"why": {"type": "string"}, "a": {"const": 1}}},
    ...          random.Random(0), say)
    {'why': 'Why?', 'a': 1}
    """
    if "enum" in schema:
        return author.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "object":
        parts = schema.get("properties", {})
        return {name: invented(part, author, sentence) for name, part in parts.items()}
    if kind == "array":
        return _items(schema, author, sentence)
    if kind == "string":
        return _text(schema, sentence)
    return _plain(schema, author)


def _items(schema: Schema, author: random.Random, sentence: Callable[[], str]) -> list[Any]:
    least = schema.get("minItems", 0)
    number = author.randint(least, schema.get("maxItems", max(least, FEW)))
    choices = schema["items"].get("enum")
    if choices is None:
        return [invented(schema["items"], author, sentence) for _ in range(number)]
    return author.sample(choices, min(number, len(choices)))


def _text(schema: Schema, sentence: Callable[[], str]) -> str:
    text = sentence()
    while len(text) < schema.get("minLength", 0):
        text += f" {sentence()}"
    return text[: schema.get("maxLength")]


def _plain(schema: Schema, author: random.Random) -> int | float | bool | None:
    kind = schema.get("type")
    least, most = schema.get("minimum", 0), schema.get("maximum", LARGEST)
    if kind == "integer":
        return author.randint(least, most)
    if kind == "number":
        return round(author.uniform(least, most), 3)
    if kind == "boolean":
        return author.random() < 0.5
    if kind == "null":
        return None
    raise EngineError(f"the scripted engine has no value for the schema {schema}")
