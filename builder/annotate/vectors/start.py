"""From what a recipe says to a model of this process."""

from __future__ import annotations

from pathlib import Path

from builder.annotate.vectors import static, transformer
from builder.annotate.vectors.backend import Local
from builder.annotate.vectors.lexical import lexical
from builder.annotate.vectors.loading import source


def start_backend(name: str, base: Path, model: str | None, revision: str | None) -> Local:
    """Load a model into this process; `base` is the folder that a model's path is relative to.

    Raises `MissingExtraError` and `EngineError`.
    """
    if name == "model2vec":
        return static.static(source(base, model or static.MODEL))
    if name == "sentence-transformers":
        return transformer.transformer(source(base, model or transformer.MODEL, revision))
    assert name == "lexical", name
    return lexical()
