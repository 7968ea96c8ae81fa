"""The texts of licences, as they lie among the files of the models themselves.

They are copied, never written: nobody but the model's maker knows what their licence says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from builder.errors import TemplateError
from builder.recipe.hub_files import hub_files
from builder.recipe.licenses import UNTOLD, license_of
from builder.recipe.model_source import is_folder, model_folder
from builder.recipe.schema import ModelSpec, Recipe

NAMES: Final = (
    "LICENSE",
    "LICENSE.txt",
    "LICENSE.md",
    "NOTICE",
    "NOTICE.txt",
    "USE_POLICY.md",
)
"""Names under which models on the Hub carry licence, notice and use policy."""

LARGEST: Final = 1_000_000
"""Bytes beyond which a file is no licence."""


def license_files(recipe: Recipe, base: Path) -> dict[str, dict[str, bytes]]:
    """Return the licence's files of each model of a recipe that asks something of its output.

    `{"meta-llama/Meta-Llama-3-8B-Instruct": {"LICENSE": b"..."}}` by `model.id`. A model whose
    files cannot be had now, or that carries none, is left out: the notice then names the address
    of the text.
    """
    models = (recipe.model, *((recipe.judge.model,) if recipe.judge else ()))
    found = {model.id: dict(_files(model, base)) for model in models if _asks(model)}
    return {name: files for name, files in found.items() if files}


def _asks(model: ModelSpec) -> bool:
    return bool(license_of(model.license).asks) or model.license in UNTOLD


def _files(model: ModelSpec, base: Path) -> Iterator[tuple[str, bytes]]:
    fetch = _fetch(model, base)
    for name in NAMES:
        try:
            path = fetch(name)
        except TemplateError:
            return
        if path is not None and path.is_file() and path.stat().st_size <= LARGEST:
            yield name, path.read_bytes()


def _fetch(model: ModelSpec, base: Path) -> Callable[[str], Path | None]:
    """Return what finds a file of a model by its name. It may raise `TemplateError`."""
    if is_folder(model.id, base):
        return lambda name: model_folder(model.id, base) / name
    opened: list[Callable[[str], Path | None]] = []

    def fetch(name: str) -> Path | None:
        if not opened:
            opened.append(hub_files(model.id, model.revision)[0])
        return opened[0](name)

    return fetch
