"""Reading a request's JSON as strictly as TGI's web framework: a wrong type is a 422 in text."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

NUMBER_KINDS = {"u32": 2**32, "usize": 2**64, "u64": 2**64}

PARAMETERS = {
    "best_of": "usize", "temperature": "f32", "repetition_penalty": "f32",
    "frequency_penalty": "f32", "top_k": "i32", "top_p": "f32", "typical_p": "f32",
    "do_sample": "bool", "max_new_tokens": "u32", "return_full_text": "bool", "stop": "strings",
    "truncate": "usize", "watermark": "bool", "details": "bool", "decoder_input_details": "bool",
    "seed": "u64", "top_n_tokens": "u32", "adapter_id": "string", "grammar": "grammar",
}  # fmt: skip
"""Type of each generation parameter; unknown ones are passed over."""

GRAMMARS = ("json", "regex", "json_schema")
"""Kinds of a `grammar`: {"type": one of them, "value"}."""

NOT_NULL = {"do_sample", "stop", "watermark", "details", "decoder_input_details"}

COMPLETION = {
    "model": "string", "max_tokens": "u32", "seed": "u64", "stop": "strings", "stream": "bool",
    "suffix": "string", "temperature": "f32", "top_p": "f32", "repetition_penalty": "f32",
    "frequency_penalty": "f32",
}  # fmt: skip


class UnreadableError(Exception):
    """A body that is none of ours: HTTP status and the text to answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


async def read_object(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise UnreadableError(415, "Expected request with `Content-Type: application/json`")
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise UnreadableError(400, f"Failed to parse the request body as JSON: {error}") from error
    if not isinstance(body, dict):
        raise _mistyped("", body, "a map")
    return body


def read_inputs(body: dict[str, Any], name: str = "inputs") -> str:
    if name not in body:
        raise UnreadableError(422, f"{_INTRO}missing field `{name}` at line 1 column 2")
    if not isinstance(body[name], str):
        raise _mistyped(name, body[name], "a string")
    return str(body[name])


def read_parameters(body: dict[str, Any]) -> dict[str, Any]:
    """The generation parameters that are given and not null, each of its type."""
    given = body.get("parameters", {})
    if not isinstance(given, dict):
        raise _mistyped("parameters", given, "struct GenerateParameters")
    return read_typed(given, PARAMETERS, "parameters.")


def read_typed(given: dict[str, Any], types: dict[str, str], path: str = "") -> dict[str, Any]:
    found = {}
    for name, kind in types.items():
        value = given.get(name)
        if value is None and not (name in given and name in NOT_NULL):
            continue
        if not _is(value, kind):
            raise _mistyped(path + name, value, kind)
        found[name] = value
    return found


def _is(value: object, kind: str) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "string":
        return isinstance(value, str)
    if kind == "strings":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind == "grammar":
        return isinstance(value, dict) and value.get("type") in GRAMMARS and "value" in value
    if isinstance(value, bool):
        return False
    if kind == "f32":
        return isinstance(value, int | float)
    if kind == "i32":
        return isinstance(value, int) and -(2**31) <= value < 2**31
    return isinstance(value, int) and 0 <= value < NUMBER_KINDS[kind]


_INTRO = "Failed to deserialize the JSON body into the target type: "


def _mistyped(path: str, value: object, wanted: str) -> UnreadableError:
    where = f"{path}: " if path else ""
    seen = f"`{value}`" if isinstance(value, int | float) else type(value).__name__
    return UnreadableError(422, f"{_INTRO}{where}invalid type: {seen}, expected {wanted} at line 1")
