"""Column names and types of a row, from its sampling to its release.

A row is never changed once a stage has written it. Each stage writes its own columns beside the
others, joined by `row`; `uuid` is the same identity for readers. This module is the only place
that names a column's type, so recipe, rule, Parquet file and card agree.

Sources: the column names of the published Magpie sets (data-set cards of Magpie-Align on the
Hub); label sets from the Magpie paper, arXiv 2406.08464, section 3 and appendix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

Columns = Mapping[str, pl.DataType]

FINISH_REASONS: Final = pl.Enum(["stop", "length"])
"""`stop`: the model closed its turn, or a stop string cut it. `length`: cut by the token limit."""

DIFFICULTIES: Final = pl.Enum(["very easy", "easy", "medium", "hard", "very hard"])
QUALITIES: Final = pl.Enum(["very poor", "poor", "average", "good", "excellent"])
TASK_CATEGORIES: Final = pl.Enum(
    [
        "Information seeking",
        "Reasoning",
        "Planning",
        "Editing",
        "Coding & Debugging",
        "Math",
        "Role playing",
        "Data analysis",
        "Creative writing",
        "Advice seeking",
        "Brainstorming",
        "Others",
    ]
)

INSTRUCT: Final[Columns] = {
    "row": pl.Int64(),  # row number: 0, 1, 2, ... ; with the recipe's seed it fixes all below
    "uuid": pl.String(),
    "temperature": pl.Float64(),  # of the instruction
    "top_p": pl.Float64(),  # of the instruction
    "seed": pl.Int64(),  # of the instruction, 0 to 2**31 - 1
    "instruction": pl.String(),  # null when the engine gave the row up
    "instruction_length": pl.Int64(),  # characters
    "instruction_tokens": pl.Int64(),  # tokens that the engine generated for it
    "instruction_finish_reason": FINISH_REASONS,
    "instruction_error": pl.String(),  # why the row was given up, else null
}
"""Columns that the `instruct` stage writes. Rules on the instruction see these."""

RESPOND: Final[Columns] = {
    "row": pl.Int64(),
    "uuid": pl.String(),
    "response": pl.String(),  # null when the row was given up
    "response_length": pl.Int64(),  # characters
    "response_tokens": pl.Int64(),  # tokens that the engine generated for it
    "finish_reason": FINISH_REASONS,
    "response_error": pl.String(),  # why the row was given up, else null
}
"""Columns that the `respond` stage writes. Rules on the response see these and `INSTRUCT`."""

KEYS: Final = ("row", "uuid")

SELECTION: Final[Columns] = {
    "row": pl.Int64(),
    "uuid": pl.String(),
    "drop_reason": pl.String(),  # null: kept; else one of DROPS or the name of the rule
    "duplicate_of": pl.String(),  # uuid of the first row with the same instruction, else null
}
"""Columns that selecting writes."""

ANNOTATIONS: Final[Mapping[str, Columns]] = {
    "quality": {"input_quality": QUALITIES, "quality_explanation": pl.String()},
    "difficulty": {
        "difficulty": DIFFICULTIES,
        "intent": pl.String(),
        "knowledge": pl.String(),
    },
    "category": {
        "task_category": TASK_CATEGORIES,
        "other_task_category": pl.List(TASK_CATEGORIES),
    },
    "safety": {"llama_guard_2": pl.String()},
    "language": {"language": pl.String()},
    "reward": {"instruct_reward": pl.Float64(), "reward_model": pl.String()},
    "reward_difference": {
        "base_output": pl.String(),
        "base_reward": pl.Float64(),
        "reward_difference": pl.Float64(),
    },
    "neighbours": {
        "min_neighbor_distance": pl.Float64(),
        "repeat_count": pl.Int64(),
        "min_similar_uuid": pl.String(),
    },
}
"""Columns that each annotator of a recipe adds, named as in the published sets."""

LATE_ANNOTATORS: Final = frozenset({"safety", "reward", "reward_difference", "neighbours"})
"""Annotators that need the response or all rows: rules on the instruction cannot see them."""

RESERVED_DROP_REASONS: Final = ("failed", "duplicate", "unanswered", "longest")
"""Reasons that are not rules, so no rule may take their names.

`failed`: the engine gave the row up (see `instruction_error`, `response_error`). `duplicate`: an
earlier row has the same instruction (see `duplicate_of`). `unanswered`: passes the rules on the
instruction but has no response yet. `longest`: passed every rule, cut by `select.longest`.
"""


def instruction_columns(annotators: tuple[str, ...] = ()) -> dict[str, pl.DataType]:
    """Columns that rules on the instruction may name, when these annotators are on."""
    columns = dict(INSTRUCT)
    for name in annotators:
        if name not in LATE_ANNOTATORS:
            columns |= ANNOTATIONS[name]
    return columns


def response_columns(annotators: tuple[str, ...] = ()) -> dict[str, pl.DataType]:
    """Columns that rules on the response may name, when these annotators are on."""
    columns = instruction_columns(annotators) | dict(RESPOND)
    for name in annotators:
        columns |= ANNOTATIONS[name]
    return columns
