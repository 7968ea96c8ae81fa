"""The texts of licences, as they lie among the files of the models themselves.

They are copied, never written: nobody but the model's maker knows what their licence says.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
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


_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


def license_files(recipe: Recipe, base: Path) -> dict[str, dict[str, bytes]]:
    """Return the licence's files of each model of a recipe that asks something of its output.

    `{"meta-llama/Meta-Llama-3-8B-Instruct": {"LICENSE": b"..."}}` by `model.id`. A model of the Hub
    is looked at where its revision is a commit, as it is once a run uses the model. One whose files
    cannot be had now, or that carries none, is left out: the notice names the text's address.
    """
    models = (recipe.model, *((recipe.judge.model,) if recipe.judge else ()))
    found = {model.id: dict(_files(model, base)) for model in models if _asks(model)}
    return {name: files for name, files in found.items() if files}


def _asks(model: ModelSpec) -> bool:
    return bool(license_of(model.license).asks) or model.license in UNTOLD


def _files(model: ModelSpec, base: Path) -> Iterator[tuple[str, bytes]]:
    for path in _paths(model, base):
        if path.is_file() and path.stat().st_size <= LARGEST:
            yield path.name, path.read_bytes()


def _paths(model: ModelSpec, base: Path) -> Iterator[Path]:
    if is_folder(model.id, base):
        yield from (model_folder(model.id, base) / name for name in NAMES)
    elif _COMMIT.fullmatch(model.revision):
        with contextlib.suppress(TemplateError):  # the Hub is out of reach, or the model is gated
            fetch, commit = hub_files(model.id, model.revision)
            for name in NAMES:
                path = None if _known_absent(model.id, name, commit) else fetch(name)
                if path is not None:
                    yield path


def _known_absent(model_id: str, name: str, commit: str) -> bool:
    """Tell whether the cache knows that the model has no such file: to ask again takes long."""
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(model_id, name, revision=commit)
    return cached is not None and not isinstance(cached, str)
