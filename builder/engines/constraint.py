"""Completions that are held to a JSON schema: what is asked for, and how to see that it is kept.

Most servers pass over fields that they do not know, so that a schema was taken says nothing. It is
seen from a completion that no model writes by itself: `SAMPLE` admits one value only, of two odd
keys, whose order shows as well whether a server keeps the order of the schema or sorts the keys.
"""

from __future__ import annotations

import json
from typing import Any, Final

from builder.errors import EngineError

Schema = dict[str, Any]

SAMPLE: Final[Schema] = {
    "type": "object",
    "properties": {
        "magpie": {"type": "string", "enum": ["qx7"]},
        "jay": {"type": "string", "enum": ["vz4"]},
    },
    "required": ["magpie", "jay"],
    "additionalProperties": False,
}
"""A schema that only `{"magpie": "qx7", "jay": "vz4"}` fits. An object with properties, because
text-generation-inference refuses all else (`InvalidGrammar` in its router/src/validation.rs)."""

SAMPLE_TOKENS: Final = 64
"""Room for that value: some 20 tokens, and white space that a model may put in between."""

ONE_LINE: Final[Schema] = {
    "x-guidance": {
        "whitespace_flexible": False,
        "item_separator": ", ",
        "key_separator": ": ",
    }
}
"""Tells llguidance to write a value as `json.dumps` does. llama.cpp's wheel is built with it, vLLM
and SGLang can use it; the names are those of its JsonCompileOptions, and others pass over the key.
Unless told so it admits any white space: asked for what it never learnt to judge, the demo model
filled a limit of 300 tokens with line feeds in 44 to 100 of 100 replies, and then in none."""


def schema_of(text: str) -> Schema:
    """Read a schema. Raises `EngineError` for what is none: then no request can have it."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise EngineError(f"a schema is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise EngineError(f"a schema is no JSON object: {text[:80]}")
    return found


def on_one_line(schema: Schema) -> Schema:
    """Return a schema whose values llguidance writes without white space to spare."""
    return schema | ONE_LINE


def is_held(text: str) -> bool:
    """Whether a completion shows that it was held to `SAMPLE`, both keys in their order."""
    return "".join(text.split()).startswith('{"magpie":"qx7","jay":"vz4"')
