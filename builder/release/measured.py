"""What the rows of a release come to: labels counted, numbers summed up, languages found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from builder.annotate.base import Output
from builder.recipe.annotators import outputs
from builder.recipe.schema import Recipe
from builder.release import statistics
from builder.release.columns import Column
from builder.release.layout import RAW
from builder.release.limits import MEASURED
from builder.release.plots.histogram import histograms
from builder.release.plots.series import BINNED


def measured_columns(recipe: Recipe, columns: Iterable[Column]) -> list[str]:
    """Return the annotators' columns, of those of a configuration, that the facts count."""
    annotated = outputs(recipe)
    return [
        column.name
        for column in columns
        if column.name in annotated and (_counts(column) or column.name in (*MEASURED, "language"))
    ]


def _counts(column: Column) -> bool:
    kind = column.type
    number = pa.types.is_floating(kind) or pa.types.is_integer(kind)
    lists = pa.types.is_list(kind) and pa.types.is_string(kind.value_type)
    return bool(column.labels) or number or pa.types.is_boolean(kind) or lists


def measured(recipe: Recipe, rows: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """Return `labels`, `numbers`, `languages` and `histograms`, each by configuration.

    Labels of lists come after those of single ones.
    `rows` are the columns of `measured_columns` and others, by configuration. `languages` has no
    configuration where nothing told them.
    """
    annotated = outputs(recipe)
    found: dict[str, Any] = {"labels": {}, "numbers": {}, "languages": {}}
    for config, frame in rows.items():
        known = {name: kind for name, kind in frame.schema.items() if name in annotated}
        labelled = [name for name, kind in known.items() if kind in (pl.Enum, pl.Boolean)]
        numeric = [name for name, kind in known.items() if kind.is_numeric()]
        found["labels"][config] = [statistics.labels(frame, name) for name in labelled]
        found["labels"][config] += [
            statistics.several_labels(frame, name, _labels_of_lists(rows[RAW], name, annotated))
            for name, kind in known.items()
            if kind == pl.List(pl.String)
        ]
        found["numbers"][config] = statistics.numbers(frame, numeric)
        if "language" in known:
            found["languages"][config] = statistics.languages(frame)
    binned = [name for name in BINNED if all(name in frame.columns for frame in rows.values())]
    return found | {"histograms": histograms(rows, binned, RAW)}


def _labels_of_lists(
    raw: pl.DataFrame, name: str, annotated: Mapping[str, Output]
) -> Sequence[str]:
    """The labels of a column of lists, the same ones in every configuration.

    Those that its annotator declares, in their order, else those that the raw rows have.
    """
    kind = annotated[name].kind
    inner = kind.inner if isinstance(kind, pl.List) else None
    return (
        list(inner.categories)
        if isinstance(inner, pl.Enum)
        else statistics.ranked_labels(raw, name)
    )
