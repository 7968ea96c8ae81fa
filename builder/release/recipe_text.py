"""The recipe as a release carries it: all that rebuilds the rows, nothing of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import yaml

from builder.recipe.schema import Recipe, SourceSpec
from builder.release.layout import split_of
from builder.release.machine import without_machine
from builder.release.model_name import name_of


def recipe_text(recipe: Recipe) -> str:
    """Return the recipe as YAML, defaults written out, so that later defaults change nothing."""
    values = recipe.model_dump(mode="json", exclude_none=True)
    values["model"]["id"] = name_of(recipe.model)
    values["engine"] = without_machine(values["engine"])
    if recipe.judge is not None:
        values["judge"]["model"]["id"] = name_of(recipe.judge.model)
        values["judge"]["engine"] = without_machine(values["judge"]["engine"])
    values["annotate"] = without_machine(values["annotate"])
    if recipe.source is not None:
        values["source"]["dataset"] = source_name(recipe.source)
    for key in ("compare", "runs"):
        values["plots"][key] = [compared_name(name) for name in getattr(recipe.plots, key)]
    body = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
    split = split_of(recipe)
    return f"# The recipe of the split {split}. To rebuild: {rebuild_command(recipe)}\n{body}"


def source_name(source: SourceSpec) -> str:
    """Return `ORG/NAME` of a data set on the Hub, and the last part of a path."""
    return PurePath(source.dataset).name or source.dataset if _local(source) else source.dataset


def _local(source: SourceSpec) -> bool:
    return source.found is not None and source.found.sha256 is not None


def compared_name(name: str) -> str:
    """Return what a release calls a data set to compare with: of a path only its last part."""
    return PurePath(name).name if _is_path(name) else name


def _is_path(name: str) -> bool:
    return name.startswith((".", "/", "~"))


def rebuild_command(recipe: Recipe) -> str:
    """Return the command that makes the rows again; whoever does puts in addresses of their own."""
    words = ["magpie build", f"recipe/{split_of(recipe)}.yaml"]
    if recipe.engine.kind == "openai":
        words.append("--endpoint URL")
    if recipe.judge is not None and recipe.judge.engine.kind == "openai":
        words.append("--set judge.engine.endpoint=URL")
    if recipe.source is not None and _local(recipe.source):
        words.append("--set source.dataset=PATH")
    if any(_is_path(name) for name in recipe.plots.compare):
        words.append("--set plots.compare=[PATH]")
    words += [f"--set annotate.{path}=URL" for path in _addresses(recipe.annotators)]
    return " ".join(words)


def _addresses(options: dict[str, dict[str, Any]] | dict[str, Any]) -> Iterator[str]:
    """Yield the dotted keys of all addresses in the options of annotators."""
    for key, value in options.items():
        if isinstance(value, dict):
            yield from (f"{key}.{path}" for path in _addresses(value))
        elif key == "endpoint" and value:
            yield key
