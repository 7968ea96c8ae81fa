"""A row as the stages hand it to the journal: column name -> value."""

from __future__ import annotations

from builder.engines.base import Completion

Row = dict[str, object]

SILENT = "the model closed its turn without a word"
"""Why a row without text was given up: nothing can be done with it."""


def text_columns(column: str, finish_reason: str, completion: Completion) -> Row:
    """The columns that a stage writes about one completion, its text stripped of outer space.

    `column` is `instruction` or `response`, `finish_reason` the column of that name.
    """
    text = completion.text.strip()
    return {
        column: text or None,
        f"{column}_length": len(text),
        f"{column}_tokens": completion.tokens,
        finish_reason: completion.finish_reason,
        f"{column}_error": None if text else SILENT,
    }
