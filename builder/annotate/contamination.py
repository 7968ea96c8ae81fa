"""Whether an instruction holds words of a benchmark: data sets that the recipe names.

What is compared, and why, says `texts.grams`. All data sets are read once, when the annotator is
started, and kept as sorted hashes: 8 bytes for each of their 13-grams, some 130 MB for 100 MB of
English. The names in `against` are those of `Tools.data_files`: a file, a folder or ORG/NAME.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Annotated, Final

import polars as pl
from pydantic import BeforeValidator, Field

from builder.annotate.base import Annotator, Options, Output, Pure, Row, Tools, Values
from builder.annotate.texts.frames import frames_of
from builder.annotate.texts.grams import FEWEST, WORDS, GramSet, gram_hashes
from builder.errors import UsageError
from builder.spec import one_or_many

Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(one_or_many)]


class ContaminationOptions(Options):
    """What instructions are compared with."""

    against: Names = Field(
        min_length=1,
        description="data sets: ORG/NAME on the Hub, a file or a folder, or a list of them",
    )
    """Each is downloaded, or read where it lies; all of its splits count."""
    columns: Names | None = Field(
        default=None, min_length=1, description="names of columns, or one of them"
    )
    """Columns whose texts are compared, in the data sets that have them. None: all that hold text,
    lists and objects of texts among them."""


class _Compare:
    """Compares instructions with data sets. `sets` are their grams by name, in recipe order."""

    def __init__(self, sets: Mapping[str, GramSet]) -> None:
        self._sets = sets

    def __call__(self, row: Row) -> Values:
        if row["instruction"] is None:
            return {}
        grams = gram_hashes([row["instruction"]])
        if not len(grams):
            return {"contamination": 0.0}
        found = {name: grams_of.holds(grams) for name, grams_of in self._sets.items()}
        names = [name for name, where in found.items() if where.any()]
        if not names:
            return {"contamination": 0.0}
        anywhere = found[names[0]]
        for name in names[1:]:
            anywhere = anywhere | found[name]
        return {"contamination": float(anywhere.mean()), "contaminated_by": names[0]}


def _texts(value: object) -> Iterator[str]:
    """All texts within a value of a column: itself, or those in lists and objects."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _grams_of(name: str, options: ContaminationOptions, tools: Tools) -> GramSet:
    """Read a data set. Raises `UsageError` where there is none, or nothing in it to compare."""
    grams = GramSet()
    seen = False
    for frame in frames_of(tools.data_files(name), options.columns):
        seen = seen or bool(frame.width)
        for column in frame.iter_columns():
            if column.dtype == pl.String or column.dtype.is_nested():
                grams.add([text for value in column.to_list() for text in _texts(value)])
    if options.columns is not None and not seen:
        raise UsageError(
            f"annotate.contamination.columns: {name} has no column {', '.join(options.columns)}",
            mend="name a column that it has, or leave `columns` out to compare all of its texts",
        )
    if not len(grams):
        raise UsageError(
            f"annotate.contamination.against: {name} holds no text of {FEWEST} words or more",
            mend="name a data set of texts; shorter texts agree by chance and are not compared",
        )
    return grams


def _read(options: ContaminationOptions, tools: Tools) -> _Compare:
    return _Compare({name: _grams_of(name, options, tools) for name in options.against})


async def _start(options: ContaminationOptions, tools: Tools) -> Pure:
    return Pure(await asyncio.to_thread(_read, options, tools))


ANNOTATOR: Final = Annotator(
    name="contamination",
    version=1,
    summary=f"Overlap of the instruction with benchmarks, by {WORDS}-grams of words.",
    reads=("instruction",),
    writes={
        "contamination": Output(
            pl.Float64(),
            f"share of the instruction's {WORDS}-grams of words, 0 to 1, that the data sets hold; "
            f"an instruction of {FEWEST} to {WORDS - 1} words is compared with texts as short as "
            "whole, and a shorter one has 0",
        ),
        "contaminated_by": Output(
            pl.String(), "the first of the data sets that hold any of it", "raw"
        ),
    },
    start=_start,
    options=ContaminationOptions,
    batch=64,
)
