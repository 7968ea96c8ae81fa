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

RESERVED_DROP_REASONS: Final = (
    "failed",
    "duplicate",
    "near-duplicate",
    "unjudged",
    "quota",
    "unanswered",
    "longest",
)
"""Reasons that are not rules, so no rule may take their names.

`failed`: the engine gave the row up (see `instruction_error`, `response_error`). `duplicate`: an
earlier row has the same instruction, `near-duplicate`: nearly the same (see `duplicate_of`).
`unjudged`: an annotator that a rule needs failed on the row (see its `_error`). `quota`: enough
rows of its label came before it, or none are wanted. `unanswered`: passes all so far, but its
next judgement or its response is not there yet. `longest`: passed every rule, cut at the end.
"""
