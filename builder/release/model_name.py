"""What a release calls its model: never a path of the machine that made it."""

from __future__ import annotations

from pathlib import PurePath

from builder.recipe.model_source import is_hub_id
from builder.recipe.schema import Recipe


def model_name(recipe: Recipe) -> str:
    """Return `ORG/NAME` of a model on the Hub, and the last part of a folder's path."""
    name = recipe.model.id
    return name if is_hub_id(name) else PurePath(name).name or name
