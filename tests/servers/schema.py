"""Holds a value against TGI's OpenAPI description or huggingface_hub's generated types.

The description is not part of this repository: MAGPIE_TGI_OPENAPI names the file.
"""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

SIMPLE: dict[str, Any] = {
    "string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list,
    "object": dict,
}  # fmt: skip


def description() -> dict[str, Any] | None:
    told = os.environ.get("MAGPIE_TGI_OPENAPI")
    return json.loads(Path(told).read_text(encoding="utf-8")) if told else None


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "") -> list[str]:
    """What is wrong with a value: missing, unknown and mistyped parts."""
    if "$ref" in schema:
        inner = root["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return faults(value, inner, root, at)
    if value is None and schema.get("nullable"):
        return []
    if "allOf" in schema:
        return faults(value, _merged(schema["allOf"], root), root, at)
    if "oneOf" in schema:
        each = [faults(value, one, root, at) for one in schema["oneOf"]]
        return [] if [] in each else min(each, key=len)
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is none of {schema['enum']}"]
    kind = SIMPLE[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return [f"{at}: {value!r} is no {schema['type']}"]
    if isinstance(value, list):
        parts = enumerate(value)
        return [f for i, one in parts for f in faults(one, schema["items"], root, f"{at}[{i}]")]
    return _object_faults(value, schema, root, at) if isinstance(value, dict) else []


def _object_faults(
    value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], at: str
) -> list[str]:
    known = schema.get("properties", {})
    found = [f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value]
    found += [f"{at}.{name} is unknown" for name in value if name not in known]
    for name in value.keys() & known.keys():
        found += faults(value[name], known[name], root, f"{at}.{name}")
    return found


def _merged(parts: list[dict[str, Any]], root: dict[str, Any]) -> dict[str, Any]:
    """One object type out of several."""
    whole: dict[str, Any] = {}
    for part in parts:
        one = part
        while "$ref" in one:
            one = root["components"]["schemas"][one["$ref"].rpartition("/")[2]]
        whole = {
            **whole,
            **one,
            "properties": whole.get("properties", {}) | one.get("properties", {}),
            "required": [*whole.get("required", ()), *one.get("required", ())],
        }
    return whole if whole["properties"] else parts[0]


def misfits(payload: dict[str, Any], kind: Any) -> list[str]:
    """Keys that a generated type of huggingface_hub lacks, or that it wants and does not get."""
    parsed = kind.parse_obj_as_instance(payload)
    return _compared(payload, parsed, kind.__name__)


def _compared(payload: Any, parsed: Any, at: str) -> list[str]:
    if isinstance(payload, list):
        pairs = zip(payload, parsed, strict=True)
        return [fault for one, two in pairs for fault in _compared(one, two, f"{at}[]")]
    if not isinstance(payload, dict):
        return []
    fields = {field.name: field for field in dataclasses.fields(parsed)}
    wanted = {name for name, field in fields.items() if field.default is dataclasses.MISSING}
    found = [f"{at}.{name} is missing" for name in wanted - payload.keys()]
    found += [f"{at}.{name} is unknown" for name in payload.keys() - fields.keys()]
    for name in payload.keys() & fields.keys():
        found += _compared(payload[name], getattr(parsed, name), f"{at}.{name}")
    return found
