"""What the models of annotators give to rows: their words, or numbers alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from builder.annotate.base import Annotator

NAMING: Final = ("_generator", "_model")
"""Ends of the names of columns that name the model that judged a row."""


def writes_text(annotator: Annotator) -> bool:
    """Whether an annotator writes words of a model into the rows; names of models are none."""
    return any(
        output.kind.base_type() in (pl.String, pl.Enum, pl.List) and not name.endswith(NAMING)
        for name, output in annotator.writes.items()
        if output.place != "run"
    )


def named_models(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the models that options name, also those of a section: `base: {model: ORG/NAME}`."""
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from named_models(value)
        elif key == "model" and isinstance(value, str):
            yield value
