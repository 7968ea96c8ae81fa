"""The recipe as a release carries it: all that rebuilds the rows, nothing of this machine."""

from __future__ import annotations

import yaml

from builder.recipe.schema import Recipe
from builder.release.layout import split_of
from builder.release.model_name import model_name

_OF_THE_MACHINE = ("endpoint", "concurrency", "threads", "model_file", "trace", "delay")
"""Options of engines that say where and how fast, not what; defaults stand in for them."""


def recipe_text(recipe: Recipe) -> str:
    """Return the recipe as YAML, defaults written out, so that later defaults change nothing."""
    values = recipe.model_dump(mode="json", exclude_none=True)
    values["model"]["id"] = model_name(recipe)
    for option in _OF_THE_MACHINE:
        values["engine"].pop(option, None)
    body = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
    split = split_of(recipe)
    command = f"magpie build recipe/{split}.yaml"
    if recipe.engine.kind == "openai":
        command += " --endpoint URL"
    return f"# The recipe of the split {split}. To rebuild: {command}\n{body}"
