"""How much of an instruction is repetition: a model that loops never gets to ask anything."""

from __future__ import annotations

from typing import Final

import polars as pl

from builder.annotate.base import Annotator, Options, Output, Pure, Row, Tools, Values
from builder.annotate.texts.loops import repetition


def _say(row: Row) -> Values:
    text = row["instruction"]
    return {} if text is None else {"instruction_repetition": repetition(text)}


async def _start(options: Options, tools: Tools) -> Pure:  # noqa: ARG001
    return Pure(_say)


ANNOTATOR: Final = Annotator(
    name="repetition",
    version=1,
    summary="Share of the instruction that repeats what stands before it in it.",
    reads=("instruction",),
    writes={
        "instruction_repetition": Output(
            pl.Float64(),
            "share of the instruction's characters, 0 to 1, in 5-grams of words or in lines that "
            "occurred before in it",
        )
    },
    start=_start,
    batch=64,
)
