"""From what a person names to what is to be served."""

from __future__ import annotations

from pathlib import Path

from builder.errors import UsageError
from builder.recipe.engine_spec import TgiEngineSpec
from builder.recipe.load import load_recipe, recipe_path
from builder.recipe.model_source import is_folder, model_folder
from builder.recipe.resolve import Source, resolve
from builder.server.leftovers import ports_of_ours
from builder.server.needs.prerequisites import Look, check_machine, refuse_missing
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
    model, base = recipe.model.id, recipe_path(name).parent
    folder = model_folder(model, base) if is_folder(model, base) else None
    look = Look(ours=ports_of_ours(None))
    refuse_missing(check_machine(recipe, folder, look), name)
    resolved = resolve(Source(name, overrides))
    request = ServeRequest(
        model_id=model,
        revision=resolved.recipe.model.revision,
        recipe=recipe.name,
        model_folder=folder,
    )
    return spec, request


def recipe_name(told: str | None) -> str | None:
    """The name of a recipe, of which a person may have given the file."""
    if told is not None and Path(told).suffix in (".yaml", ".yml") and Path(told).is_file():
        return load_recipe(told, ()).name
    return told
