"""What the tests of recipes share: cases kept in YAML files, and the smallest recipe."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.recipe.tokenizer_files import TokenizerFiles

HERE = Path(__file__).parent

SMALLEST = """\
name: smallest
version: 1.0.0
summary: As little as a recipe may say.
model: {id: demo, license: llama3}
engine: {kind: scripted}
seed: 1
target: {kept: 10}
instruction:
  sweep: [{temperature: 1.0}]
  max_tokens: 20
response: {max_tokens: 30}
"""


def cases(name: str) -> list[Any]:
    """The cases of a YAML file beside the tests: name -> what it says."""
    data = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    return [pytest.param(case, id=key) for key, case in data.items()]


def files_of(case: dict[str, Any]) -> TokenizerFiles:
    """Tokenizer files that hold what a template case says."""
    special = case.get("special", {})
    return TokenizerFiles(
        source="test",
        revision="",
        chat_template=case["template"],
        template_file="chat_template.jinja",
        special=special,
        added=tuple(case.get("added", special.values())),
        ends=tuple(case.get("ends", ())),
        tokenizer=None,
    )
