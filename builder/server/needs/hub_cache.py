"""What the Hub's cache of this machine holds of a model, told without asking the Hub."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model; None or empty where it is not.

    `config` is its `config.json`. `parameters` counts them, `stored` is the size of the files of
    its weights in bytes, `missing` the part of them that the cache lacks.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    stored: int | None = None
    missing: int | None = None


def folder_facts(folder: Path) -> ModelFacts:
    """Read the facts of a model from the folder of its files; what is not there stays unknown."""
    names = sorted(path.name for path in folder.glob("*"))
    weights = [folder / name for name in weight_files(names)]
    stored = sum(path.stat().st_size for path in weights if path.is_file())
    return ModelFacts(read_json(folder / "config.json"), stored=stored or None, missing=0)


def weight_files(names: Iterable[str]) -> list[str]:
    """Choose the files that TGI reads weights from: safetensors at the top, else PyTorch's.

    Repositories of Llama hold the weights a second time, under `original/`.
    """
    top = [name for name in names if "/" not in name]
    chosen = [name for name in top if name.endswith(".safetensors")]
    return chosen or [name for name in top if name.endswith(".bin") and "training" not in name]


def cached_snapshot(model_id: str, revision: str) -> Path | None:
    """Return the folder of the cache that has all of a model at a revision; None if it lacks any.

    A revision that is no commit means the commit that it was when the cache last asked.
    """
    root = model_cache(model_id)
    commit = revision
    if (root / "refs" / revision).is_file():
        commit = (root / "refs" / revision).read_text(encoding="ascii").strip()
    folder = root / "snapshots" / commit
    return folder if (folder / "config.json").is_file() and _has_weights(folder) else None


def model_cache(model_id: str) -> Path:
    """Where the cache keeps a model: `blobs`, `refs` and `snapshots` lie in it."""
    from huggingface_hub import constants

    return cache_folder() / f"models{constants.REPO_ID_SEPARATOR}{model_id.replace('/', '--')}"


def cache_folder() -> Path:
    """The Hub's cache of this machine (HF_HUB_CACHE, HF_HOME)."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _has_weights(folder: Path) -> bool:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        parts = set(read_json(index).get("weight_map", {}).values())
        return bool(parts) and all((folder / part).is_file() for part in parts)
    return (folder / "model.safetensors").is_file()


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file of JSON; empty where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
