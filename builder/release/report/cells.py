"""The rows of a report as its page reads them: a list a column, long texts cut, labels numbered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

REPEATED: Final = ("conversations", "messages")
"""Columns that say once more what `instruction` and `response` say; a page has them once."""

FEW_VALUED: Final = ("language", "llama_guard_2", "instruction_finish_reason", "finish_reason")
"""Columns of few values without an order of their own; a page can filter by them as by labels."""

CUTS: Final = (20_000, 10_000, 5_000, 2_000, 1_000, 500)
"""Characters of a text that a page carries at most: the first of these that `BUDGET` allows."""

BUDGET: Final = 32_000_000
"""Characters of all texts on a page: a browser unpacks and reads so much in about a second."""


@dataclass(frozen=True)
class Cells:
    """Rows in the form of a page.

    `columns` are the release's, as its facts tell them, with the `kind` that the page goes by:
    `text`, `number`, `label` (a position in `labels`) or `value` (anything else). `values` has
    for each of them a list of the length of the rows, null where there is nothing. `cut` is
    column -> position of the row -> characters of the whole text, where a text was cut.
    """

    columns: list[dict[str, Any]]
    values: dict[str, list[Any]]
    cut: dict[str, dict[int, int]]
    longest: int
    """Characters after which texts were cut."""


def cells(rows: pl.DataFrame, columns: Sequence[Mapping[str, Any]]) -> Cells:
    """Put rows into the form of a page. `columns` are those of `facts["configs"]["raw"]`."""
    known = [one for one in columns if one["name"] not in REPEATED and one["name"] in rows.columns]
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    longest = _longest(rows, [one["name"] for one in known if one["name"] in texts])
    told, values, cut = [], {}, {}
    for column in known:
        name, series = str(column["name"]), rows[column["name"]]
        labels = _labels(series, column["labels"])
        told.append(
            {"name": name, "meaning": column["meaning"], "labels": labels}
            | {"kind": _kind(series, labels)}
        )
        if name in texts and not labels:
            cut[name] = _cut(series, longest)
            series = series.str.slice(0, longest)
        values[name] = _values(series, labels)
    return Cells(told, values, {name: found for name, found in cut.items() if found}, longest)


def _longest(rows: pl.DataFrame, texts: Sequence[str]) -> int:
    lengths = rows.select(pl.col(texts).str.len_chars())
    for longest in CUTS:
        if sum(lengths.select(pl.all().clip(0, longest).sum()).row(0) or (0,)) <= BUDGET:
            return longest
    return CUTS[-1]


def _labels(series: pl.Series, labels: Sequence[str]) -> list[str]:
    """The labels of a column in their order; none where it has other values."""
    if labels:
        return list(labels)
    if series.dtype == pl.Boolean:
        return ["false", "true"]
    if series.name not in FEW_VALUED or series.dtype != pl.String:
        return []
    counted = series.drop_nulls().value_counts().iter_rows()
    return [value for value, _ in sorted(counted, key=lambda pair: (-pair[1], pair[0]))]


def _kind(series: pl.Series, labels: Sequence[str]) -> str:
    if labels:
        return "label"
    if series.dtype.is_numeric():
        return "number"
    return "text" if series.dtype == pl.String else "value"


def _cut(series: pl.Series, longest: int) -> dict[int, int]:
    lengths = series.str.len_chars()
    where = (lengths > longest).fill_null(value=False).arg_true()
    return dict(zip(where.to_list(), lengths.gather(where).to_list(), strict=True))


def _values(series: pl.Series, labels: Sequence[str]) -> list[Any]:
    if series.dtype.is_float():
        series = series.set(series.is_infinite() | series.is_nan(), None)
    if not labels:
        return series.to_list()
    places = {label: place for place, label in enumerate(labels)}
    return [None if label is None else places[label] for label in series.cast(pl.String)]
