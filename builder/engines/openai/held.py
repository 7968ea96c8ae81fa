"""The field of `/v1/completions` that holds a completion to a JSON schema, found by asking.

    structured_outputs   vLLM since 0.12 (its page "Structured Outputs")
    guided_json          vLLM before that
    json_schema          llama.cpp, an object (its tools/server/README.md)
    json_schema_text     SGLang: the same name, and a text (CompletionRequest in its protocol.py)
    response_format      vLLM, SGLang and others, as in OpenAI's chat completions

A server passes over the names that it does not know: `constraint` says how that shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from builder.engines.constraint import SAMPLE, SAMPLE_TOKENS, Schema, is_held, on_one_line
from builder.engines.openai.trial import Fields, Trial
from builder.errors import EngineError


def _response_format(schema: Schema) -> dict[str, Any]:
    named = {"name": "reply", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


FIELDS: Final[Mapping[str, Callable[[Schema], dict[str, Any]]]] = {
    "structured_outputs": lambda schema: {"structured_outputs": {"json": on_one_line(schema)}},
    "guided_json": lambda schema: {"guided_json": on_one_line(schema)},
    "json_schema": lambda schema: {"json_schema": on_one_line(schema)},
    "json_schema_text": lambda schema: {"json_schema": json.dumps(on_one_line(schema))},
    "response_format": _response_format,
}
"""Name -> the fields of a request, in the order in which they are tried. The last one has the bare
schema, for a server that refuses a key that it does not know."""


async def field_for_schemas(trial: Trial, sent: Fields) -> str | None:
    """The first name in `FIELDS` by which the server holds a completion to a schema.

    `sent` are the fields of a greedy request. None where no one does, or where the server fails at
    it altogether: it served simpler requests just before, so it is no reason to do without it.
    """
    for name, fields in FIELDS.items():
        asked = {**sent, **fields(SAMPLE), "max_tokens": SAMPLE_TOKENS}
        try:
            tried = await trial.complete(asked)
        except EngineError:
            return None
        if tried.taken and is_held(tried.text):
            return name
    return None
