"""Values of published columns, as the annotators that would write them declare their types.

    "good" -> good      " Good." -> good      "Other" -> Others      "superb" -> unreadable

A value is mended where nobody can doubt what it says: a label in other letters or punctuation, a
number that stands as text. It is never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from builder.annotate.judging.labels import read_label
from builder.annotate.judging.reply import UnusableReplyError

SAME_LABEL: Final[Mapping[str, str]] = {"Other": "Others", "Maths": "Math"}
"""Other words for a label. The public tool for the published sets knew the category "Other", its
prompt and the paper (arXiv 2406.08464) say "Others"."""


class UnreadableValueError(ValueError):
    """A value is none of its column. Its message says in a line what was seen."""


def read_value(column: str, kind: pl.DataType, value: Any) -> object:
    """Return a published value as its column's type takes it; None stays None, "" of a label too.

    Raises `UnreadableValueError`.
    """
    if value is None:
        return None
    if isinstance(kind, pl.List):
        return _items(column, kind.inner, value)
    if isinstance(kind, pl.Enum):
        return _label(column, kind, value)
    if kind == pl.Boolean:
        return _of_type(column, value, bool, "true or false")
    if kind.is_numeric():
        return _number(column, value, whole=kind.is_integer())
    return _of_type(column, value, str, "text")


def _items(column: str, kind: Any, value: Any) -> list[object]:
    if not isinstance(value, list):
        raise UnreadableValueError(f"{column} is no list")
    inner = kind if isinstance(kind, pl.DataType) else kind()
    found = (read_value(column, inner, one) for one in value)
    return [one for one in found if one is not None]


def _label(column: str, kind: pl.Enum, value: Any) -> str | None:
    labels = kind.categories.to_list()
    if value in labels:
        return str(value)
    if isinstance(value, str) and not value.strip():
        return None
    also = {word: label for word, label in SAME_LABEL.items() if label in labels}
    try:
        return read_label(column, value, labels, also)
    except UnusableReplyError as error:
        raise UnreadableValueError(str(error)) from error


def _number(column: str, value: Any, *, whole: bool) -> float | int | None:
    """A number; NaN is what data frames write where there is none."""
    try:
        number = float(value) if not isinstance(value, bool) else math.inf
    except (TypeError, ValueError, OverflowError):
        number = math.inf
    if math.isnan(number):
        return None
    if math.isinf(number) or (whole and not number.is_integer()):
        what = "whole number" if whole else "number"
        raise UnreadableValueError(f"{column} has {str(value)[:40]!r}, which is no {what}")
    return int(value if isinstance(value, int) else number) if whole else number


def _of_type(column: str, value: Any, kind: type, name: str) -> object:
    if isinstance(value, kind):
        return value
    raise UnreadableValueError(f"{column} has {str(value)[:40]!r}, which is not {name}")
