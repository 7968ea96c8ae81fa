"""What `magpie doctor` looks at: each check says what it found and how to mend what fails."""

from __future__ import annotations

import dataclasses
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.engines.start import ModelFiles, start_local
from builder.errors import MagpieError, RecipeError
from builder.recipe.load import load_recipe, recipe_path
from builder.recipe.model_source import is_hub_id
from builder.recipe.resolve import Resolved, Source, resolve
from builder.recipe.schema import EmbeddedEngineSpec, Recipe, ScriptedEngineSpec

ROOM_A_ROW = 12_000
"""Bytes on disk of one row in shards and release together: some 2 KB of text in a journal, twice
in Parquet, and as much again while a release is written beside the old one."""


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    what: str
    fine: bool
    found: str
    mend: str = ""

    def to_json(self) -> dict[str, object]:
        """All fields by name."""
        return dataclasses.asdict(self)


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
    name = f"{recipe.name} {recipe.version}"
    yield Finding("recipe", fine=True, found=f"{name} ({recipe_path(source.recipe)})")
    yield _disk(recipe)
    if is_hub_id(recipe.model.id):
        yield _token()
    try:
        resolved = resolve(source)
    except MagpieError as error:
        yield Finding("template", fine=False, found=error.message, mend=error.mend)
        return
    yield Finding("template", fine=True, found=repr(resolved.template.pre_query))
    yield _engine(resolved)


def _disk(recipe: Recipe) -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    rows = recipe.target.sampled or recipe.target.kept or 0
    needed = rows * ROOM_A_ROW
    return Finding(
        "disk",
        fine=free > needed,
        found=f"{free / 1e9:.1f} GB free, about {needed / 1e9:.1f} GB needed",
        mend="" if free > needed else "Make room, or build elsewhere: --run DIR",
    )


def _token() -> Finding:
    from huggingface_hub import get_token

    there = get_token() is not None
    return Finding(
        "token",
        fine=there,
        found="a Hub token is set" if there else "no HF_TOKEN and no stored login",
        mend="" if there else "export HF_TOKEN=..., or: hf auth login",
    )


def _engine(resolved: Resolved) -> Finding:
    """Whether the engine can be started, as far as that shows without loading the model."""
    spec = resolved.recipe.engine
    if not isinstance(spec, EmbeddedEngineSpec | ScriptedEngineSpec):
        return Finding("engine", fine=True, found=spec.kind)
    files = ModelFiles(resolved.model_folder, resolved.encode, resolved.base)
    try:
        engine = start_local(spec, files)
    except MagpieError as error:
        return Finding("engine", fine=False, found=error.message, mend=error.mend)
    return Finding("engine", fine=True, found=f"{spec.kind}, {engine.slots} requests at once")
