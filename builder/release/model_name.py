"""What a release calls its model: never a path of the machine that made it."""

from __future__ import annotations

from pathlib import PurePath

from builder.recipe.model_source import is_hub_id
from builder.recipe.schema import ModelSpec, Recipe


def model_name(recipe: Recipe) -> str:
    """Return the name of a recipe's own model."""
    return name_of(recipe.model)


def name_of(model: ModelSpec) -> str:
    """Return `ORG/NAME` of a model on the Hub, and the last part of a folder's path."""
    return model.id if is_hub_id(model.id) else PurePath(model.id).name or model.id
