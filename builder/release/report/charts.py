"""The series of a release's plots as the page of a report draws them."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from builder.release.plots.series import Facts, Series, series

COLUMNS: Final = {
    ("funnel", ""): "drop_reason",
    ("quality", ""): "input_quality",
    ("difficulty", ""): "difficulty",
    ("category", ""): "task_category",
    ("language", ""): "language",
    ("instruction-length", "tokens"): "instruction_tokens",
    ("instruction-length", "characters"): "instruction_length",
    ("response-length", "tokens"): "response_tokens",
    ("response-length", "characters"): "response_length",
    ("neighbour-distance", "squared L2 distance of the embeddings"): "min_neighbor_distance",
    ("reward", "reward"): "instruct_reward",
    ("reward-difference", "difference of the rewards"): "reward_difference",
}
"""Name and unit of a series -> the column whose rows a click on one of its bars asks for."""


def charts(facts: Facts) -> list[dict[str, Any]]:
    """Return every series of a split as JSON can carry it, with its `column`; null: none is known.

    Keys are the fields of `series.Bars` and `series.Bins`, and of a layer also its `rows`.
    """
    return [_chart(one) for one in series(facts)]


def _chart(one: Series) -> dict[str, Any]:
    told = dataclasses.asdict(one)
    told["column"] = COLUMNS.get((one.name, getattr(one, "unit", "")))
    for layer, of in zip(told["layers"], one.layers, strict=True):
        layer["rows"] = of.rows
    return told
