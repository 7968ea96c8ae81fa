"""Lengths of instruction and response in tokens of the recipe's own model.

The columns `instruction_tokens` and `response_tokens` say what an engine generated, with the token
that ended the turn, and rows that were generated elsewhere have none. These say what the texts
themselves come to, which anybody with the same tokenizer gets too. Lengths in characters are
always there (`instruction_length`, `response_length`).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from builder.annotate.base import Annotator, Options, Output, Pure, Row, Tools, Values
from builder.text import writable

_TEXTS: Final = ("instruction", "response")


async def _start(options: Options, tools: Tools) -> Pure:  # noqa: ARG001
    encode = tools.tokenizer()

    def say(row: Row) -> Values:
        if encode is None:
            return {}
        texts = {name: row[name] for name in _TEXTS if row[name] is not None}
        return {f"{name}_text_tokens": len(encode(writable(texts[name]))) for name in texts}

    return Pure(say)


ANNOTATOR: Final = Annotator(
    name="lengths",
    version=1,
    summary="Tokens of instruction and response by the model's own tokenizer.",
    reads=_TEXTS,
    writes={
        f"{name}_text_tokens": Output(
            pl.Int64(),
            f"tokens of the {name}'s text by the model's tokenizer, without special tokens; null "
            "where the model has none that can be read",
        )
        for name in _TEXTS
    },
    start=_start,
    batch=64,
)
