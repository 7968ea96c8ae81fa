"""What loading a model into this process takes: its package, its place, a word where it fails."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builder.errors import EngineError, MissingExtraError

UNREADABLE: Final = (OSError, ValueError, KeyError, RuntimeError)
"""What the loaders raise for a model that is not there, or is no model of theirs: the Hub's errors
are `OSError`s, broken or foreign files end in one of the others."""


@dataclass(frozen=True)
class Source:
    """Where a model is, and how it is called: a folder is called by its last part alone.

    `place` is what loaders take: a folder, or `ORG/NAME` on the Hub. `revision` None is the newest.
    """

    place: str
    name: str
    revision: str | None = None


def source(base: Path, model: str, revision: str | None = None) -> Source:
    """Return where `model` is: a folder, relative to `base`, if there is one, else the Hub."""
    folder = base / model
    if folder.is_dir():
        return Source(str(folder), folder.resolve().name)
    return Source(model, f"{model}@{revision}" if revision else model, revision)


def demand(package: str, extra: str) -> None:
    """Raise `MissingExtraError` where a package is not installed. Imports nothing."""
    if importlib.util.find_spec(package) is None:
        raise MissingExtraError(
            f"annotate.embedding needs the package {package}, which is not installed",
            mend=f"Run: pip install 'magpie-builder[{extra}]'",
        )


def unreadable(origin: Source, backend: str, error: Exception) -> EngineError:
    """Return what to raise for a model that a loader does not take."""
    said = " ".join(str(error).split())
    return EngineError(
        f"annotate.embedding: {origin.name} cannot be loaded as a model of {backend}: "
        f"{type(error).__name__}: {said[:300]}",
        mend="Name a folder, relative to the recipe, or ORG/NAME on the Hub: "
        "--set annotate.embedding.model=NAME. One that is gated needs HF_TOKEN.",
    )
