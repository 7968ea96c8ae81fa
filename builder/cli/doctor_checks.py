"""What `magpie doctor` looks at: each check says what it found and how to mend what fails."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

from builder.engines.start import ModelFiles, start_local
from builder.errors import MagpieError, RecipeError
from builder.recipe.annotators import asks_engine
from builder.recipe.compared import look_at_compared
from builder.recipe.engine_spec import RemoteEngineSpec
from builder.recipe.load import load_recipe, recipe_path
from builder.recipe.model_source import is_folder, is_hub_id, model_folder
from builder.recipe.resolve import Resolved, Source, resolve
from builder.recipe.schema import EmbeddedEngineSpec, Recipe, ScriptedEngineSpec
from builder.server.needs.disk import disk_findings, rows_wanted
from builder.server.needs.finding import Finding
from builder.server.needs.hub_access import ACCESS, token_finding
from builder.server.needs.prerequisites import Look, check_machine


def examine(source: Source) -> list[Finding]:
    """Check this machine for a recipe. Never raises for what it finds."""
    return [_python(), *_for_recipe(source)]


def _python() -> Finding:
    return Finding("python", fine=True, found=f"{platform.python_version()} on {platform.system()}")


def _for_recipe(source: Source) -> Iterator[Finding]:
    try:
        recipe = load_recipe(source.recipe, source.overrides)
    except RecipeError as error:
        mend = f"magpie recipe check {source.recipe}"
        yield Finding("recipe", fine=False, found=error.message, mend=mend)
        return
    path = recipe_path(source.recipe)
    yield Finding("recipe", fine=True, found=f"{recipe.name} {recipe.version} ({path})")
    needs = list(_for_engine(recipe, path.parent))
    yield from needs
    yield from _compared(recipe, path.parent)
    if _derived(recipe) and any(one.what == ACCESS and not one.fine for one in needs):
        yield Finding("template", fine=False, found="not derived: its model cannot be read")
        return
    try:
        resolved = resolve(source)
    except MagpieError as error:
        yield Finding("template", fine=False, found=error.message, mend=error.mend)
        return
    yield Finding("template", fine=True, found=repr(resolved.template.pre_query))
    yield from _engine(resolved)


def _compared(recipe: Recipe, base: Path) -> Iterator[Finding]:
    """Whether the data sets that the map is to show can be read, those of the Hub too."""
    what = "data sets to compare with"
    try:
        found = look_at_compared(recipe, base)
    except MagpieError as error:
        yield Finding(what, fine=False, found=error.message, mend=error.mend)
        return
    if found:
        yield Finding(what, fine=True, found=", ".join(str(one) for one in found))


def _derived(recipe: Recipe) -> bool:
    """Whether the template, or a part of it, comes from the model's files."""
    return recipe.template is None or None in recipe.template.model_dump().values()


def _for_engine(recipe: Recipe, base: Path) -> Iterator[Finding]:
    """What the recipe's engine needs of the machine; for servers, what a build asks of it too."""
    remote, model = isinstance(recipe.engine, RemoteEngineSpec), recipe.model
    folder = model_folder(model.id, base) if is_folder(model.id, base) else None
    if remote:
        yield from check_machine(recipe, folder, Look(patient=True))
    if not remote or recipe.engine.endpoint:
        yield from disk_findings([rows_wanted(recipe, Path.cwd())])
        if folder is None and is_hub_id(model.id) and asks_engine(recipe):
            yield token_finding(model, None)


def _engine(resolved: Resolved) -> Iterator[Finding]:
    """Whether an engine of this process can be started, as far as shows without its model."""
    spec = resolved.recipe.engine
    if not isinstance(spec, EmbeddedEngineSpec | ScriptedEngineSpec):
        return
    files = ModelFiles(resolved.model_folder, resolved.encode, resolved.base)
    try:
        engine = start_local(spec, files)
    except MagpieError as error:
        yield Finding("engine", fine=False, found=error.message, mend=error.mend)
        return
    yield Finding("engine", fine=True, found=f"{spec.kind}, {engine.slots} requests at once")
