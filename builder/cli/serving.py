"""From what a person names to what is to be served."""

from __future__ import annotations

from pathlib import Path

from builder.errors import UsageError
from builder.recipe.engine_spec import TgiEngineSpec
from builder.recipe.load import load_recipe
from builder.recipe.resolve import Source, resolve
from builder.server.hosting import refuse_unready
from builder.server.plan import ServeRequest


def wanted(name: str, overrides: tuple[str, ...]) -> tuple[TgiEngineSpec, ServeRequest]:
    """What `magpie serve` is to start for a recipe, once this machine has all that it needs.

    Raises `RecipeError`, `UsageError` where its engine is no container, `PrerequisiteError`, and
    `TemplateError` where the model cannot be pinned to a commit.
    """
    recipe = load_recipe(name, overrides)
    spec = recipe.engine
    if not isinstance(spec, TgiEngineSpec):
        raise UsageError(
            f"the engine of {name} is {spec.kind!r}, which needs no container",
            mend="`magpie serve` is for recipes whose engine.kind is tgi.",
        )
    if spec.endpoint:
        raise UsageError(
            f"{name} names servers that run already: {', '.join(spec.endpoint)}",
            mend="Leave engine.endpoint out to have containers started.",
        )
    source = Source(name, overrides)
    refuse_unready(recipe, source, None)
    resolved = resolve(source)
    model = resolved.recipe.model
    request = ServeRequest(
        model_id=model.id,
        revision=model.revision,
        recipe=recipe.name,
        model_folder=resolved.model_folder,
    )
    return spec, request


def recipe_name(told: str | None) -> str | None:
    """The name of a recipe, of which a person may have given the file."""
    if told is not None and Path(told).suffix in (".yaml", ".yml") and Path(told).is_file():
        return load_recipe(told, ()).name
    return told
