"""The texts of licences, as they lie among the files of the models themselves.

They are copied, never written: nobody but the model's maker knows what their licence says. Where
the model's own files cannot be had, or lack them, a folder beside the recipe may hold them:
`licenses/ORG/NAME/LICENSE`. It wins, so that a release can be made again without the Hub.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Final

from builder.errors import TemplateError
from builder.recipe.annotators import annotations_of
from builder.recipe.hub_files import hub_files
from builder.recipe.licenses import known_license, license_of
from builder.recipe.model_source import is_folder, is_hub_id, model_folder
from builder.recipe.model_use import named_models
from builder.recipe.schema import ModelSpec, Recipe

NAMES: Final = (
    "LICENSE",
    "LICENSE.txt",
    "LICENSE.md",
    "LICENSE-MODEL",
    "NOTICE",
    "NOTICE.txt",
    "Notice",
    "notice.txt",
    "USE_POLICY.md",
)
"""Names under which models on the Hub carry licence, notice and use policy."""

LARGEST: Final = 1_000_000
"""Bytes beyond which a file is no licence."""

BESIDE: Final = "licenses"
"""Folder beside a recipe that holds texts which models do not have."""

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


def license_files(recipe: Recipe, base: Path) -> dict[str, dict[str, bytes]]:
    """Return the licence's files of each model of a recipe whose licence is no permissive one.

    `{"meta-llama/Meta-Llama-3-8B-Instruct": {"LICENSE": b"..."}}` by `model.id`. A model of the Hub
    is looked at where its revision is a commit, as it is once a run uses the model; one that an
    annotator's server names has no revision, and only its folder beside the recipe is looked at.
    One whose files cannot be had now, or that carries none, is left out: `magpie publish` says of
    a release what agreement it lacks.
    """
    models = (recipe.model, *((recipe.judge.model,) if recipe.judge else ()))
    found = {
        model.id: dict(_files(_paths(model, base))) for model in models if _asks(model.license)
    }
    for name in _named(recipe):
        if name not in found:
            found[name] = dict(_files(_beside(name, base)))
    return {name: files for name, files in found.items() if files}


def _asks(key: str) -> bool:
    return not license_of(key).permissive


def _named(recipe: Recipe) -> Iterator[str]:
    """Yield the models that options of annotators name, whose licence is no permissive one."""
    told = recipe.publish.licenses if recipe.publish else {}
    for one in annotations_of(recipe):
        for name in named_models(one.options.model_dump(mode="json")):
            key = told.get(name) or known_license(name)
            if key and _asks(key):
                yield name


def _files(paths: Iterator[Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        if path.is_file() and path.stat().st_size <= LARGEST:
            yield path.name, path.read_bytes()


def _paths(model: ModelSpec, base: Path) -> Iterator[Path]:
    beside = [path for path in _beside(model.id, base) if path.is_file()]
    if beside:
        yield from beside
    elif is_folder(model.id, base):
        yield from _in(model_folder(model.id, base))
    elif _COMMIT.fullmatch(model.revision):
        with contextlib.suppress(TemplateError):  # the Hub is out of reach, or the model is gated
            fetch, commit = hub_files(model.id, model.revision)
            for name in NAMES:
                path = None if _known_absent(model.id, name, commit) else fetch(name)
                if path is not None:
                    yield path


def _beside(name: str, base: Path) -> Iterator[Path]:
    """Yield where texts of a model lie beside the recipe, by its name as a release gives it."""
    yield from _in(base / BESIDE / (name if is_hub_id(name) else PurePath(name).name))


def _in(folder: Path) -> Iterator[Path]:
    """Yield the files of these names that a folder holds, spelled so: some disks mind no case."""
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    yield from (folder / name for name in NAMES if name in there)


def _known_absent(model_id: str, name: str, commit: str) -> bool:
    """Tell whether the cache knows that the model has no such file: to ask again takes long."""
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(model_id, name, revision=commit)
    return cached is not None and not isinstance(cached, str)
