"""A row as the stages hand it to the journal: column name -> value."""

from __future__ import annotations

from typing import Protocol

from builder.engines.base import Completion, SamplingParams
from builder.text import writable

Row = dict[str, object]


class Asks(Protocol):
    """What answers prompts: a pool, or a stage's way to one."""

    async def complete(self, prompt: str, params: SamplingParams) -> Completion:
        """See `Pool.complete`."""
        ...


SILENT = "the model closed its turn without a word"
"""Why a row without text was given up: nothing can be done with it."""


def text_columns(column: str, finish_reason: str, completion: Completion) -> Row:
    """The columns that a stage writes about one completion, its text stripped of outer space.

    `column` is `instruction` or `response`, `finish_reason` the column of that name.
    """
    text = writable(completion.text).strip()
    return {
        column: text or None,
        f"{column}_length": len(text),
        f"{column}_tokens": completion.tokens,
        finish_reason: completion.finish_reason,
        f"{column}_error": None if text else SILENT,
    }
