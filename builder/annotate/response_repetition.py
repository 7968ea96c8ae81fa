"""How much of a response is repetition: greedy decoding ends in a loop now and then."""

from __future__ import annotations

from typing import Final

import polars as pl

from builder.annotate.base import Annotator, Options, Output, Pure, Row, Tools, Values
from builder.annotate.texts.loops import repetition


def _say(row: Row) -> Values:
    text = row["response"]
    return {} if text is None else {"response_repetition": repetition(text)}


async def _start(options: Options, tools: Tools) -> Pure:  # noqa: ARG001
    return Pure(_say)


ANNOTATOR: Final = Annotator(
    name="response_repetition",
    version=1,
    summary="Share of the response that repeats what stands before it in it.",
    reads=("response",),
    writes={
        "response_repetition": Output(
            pl.Float64(),
            "share of the response's characters, 0 to 1, in 5-grams of words or in lines that "
            "occurred before in it",
        )
    },
    start=_start,
    batch=64,
)
