"""What `magpie recipe show` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from builder.cli.tables import plain_table
from builder.recipe.resolve import Resolved

EXAMPLE = "Why is the sky blue?"
"""The instruction that stands in the response prompt that is shown."""


def as_document(resolved: Resolved) -> dict[str, Any]:
    """The recipe, its template, and token ids (None where the model has no tokenizer at hand)."""
    template = resolved.template
    ids = None
    if resolved.files is not None and resolved.files.tokenizer is not None:
        ids = resolved.encode()(template.pre_query)
    return {
        "recipe": resolved.recipe.model_dump(mode="json"),
        "template": template.to_json(),
        "pre_query_token_ids": ids,
        "response_prompt_example": template.response_prompt(EXAMPLE),
    }


def as_table(document: Mapping[str, Any]) -> Table:
    """The same for people; texts as Python writes them, so that line breaks are seen."""
    recipe, template = document["recipe"], document["template"]
    ids = document["pre_query_token_ids"]
    table = plain_table("recipe", f"{recipe['name']} {recipe['version']}")
    rows = {
        "summary": recipe["summary"],
        "model": f"{recipe['model']['id']} at {recipe['model']['revision']}",
        "license": recipe["model"]["license"],
        "engine": recipe["engine"]["kind"],
        "template from": template["source"],
        "pre-query": repr(template["pre_query"]),
        "token ids": "no tokenizer.json at hand" if ids is None else " ".join(map(str, ids)),
        "BOS": repr(template["bos"]) if template["bos"] else "none",
        "response prompt": repr(document["response_prompt_example"]),
        "stops": " ".join(map(repr, template["stops"])),
    }
    for name, value in rows.items():
        table.add_row(name, Text(value))
    return table
