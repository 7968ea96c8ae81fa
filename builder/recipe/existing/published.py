"""The annotations that a data set has already, read like those of an annotator.

Their columns are those that our annotators declare, which are the published ones. An annotator
that the recipe turns on judges anew: what the data set says in its columns is not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any, Final

import polars as pl
from pydantic import Field

from builder.annotate import registry
from builder.annotate.base import Annotator, Options, Output, Pure, Row, Tools, Values
from builder.recipe.existing.look import source_files
from builder.recipe.existing.values import UnreadableValueError, read_value
from builder.recipe.existing.window import SourceRows
from builder.recipe.source_spec import SourceSpec

NAME: Final = "source"
"""Name under which the published annotations stand beside those of annotators."""

UNREAD: Final = "source_unread"
"""The column that says which published values were unreadable, null where none was."""

BATCH: Final = 64
"""Rows that are read at once."""


class PublishedOptions(Options):
    """The data set, and the published columns that are read of it.

    The data set is told once, by the recipe: it may lie in a folder of this machine.
    """

    source: SourceSpec = Field(exclude=True)
    columns: tuple[str, ...]


def published(source: SourceSpec, on: Collection[str]) -> tuple[Annotator, PublishedOptions] | None:
    """Return what reads the published annotations; None where the data set has none.

    `on` are the annotators that judge anew. A source that was not looked at may have any column.
    """
    there = {
        column: output
        for name in registry.names()
        if name not in on
        for column, output in registry.annotator(name).writes.items()
        if output.place != "run" and name_in(source, column) is not None
    }
    if not there:
        return None
    unread = Output(pl.String(), "published annotations that could not be read, and why", "raw")
    declared = Annotator(
        name=NAME,
        version=1,
        summary="The annotations that the data set had already.",
        reads=("instruction",),
        writes={**there, UNREAD: unread},
        start=_start,
        options=PublishedOptions,
        batch=BATCH,
    )
    return declared, PublishedOptions(source=source, columns=tuple(sorted(there)))


def name_in(source: SourceSpec, column: str) -> str | None:
    """The name that one of our columns has in a data set; None where it lacks it."""
    return column if source.found is None or column in source.found.columns else None


def stage_of(options: PublishedOptions, version: int) -> str:
    """The stage of these columns. With others it is another: nothing is read by halves."""
    told = f"{version}:{','.join(options.columns)}"
    return f"{NAME}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


async def _start(options: PublishedOptions, tools: Tools) -> Pure:
    """Open the data set. Raises `UsageError` where it is there no more."""
    names = {column: str(name_in(options.source, column)) for column in options.columns}
    rows = SourceRows(source_files(options.source, tools.base).paths, tuple(names.values()))
    kinds = {
        column: output.kind
        for name in registry.names()
        for column, output in registry.annotator(name).writes.items()
        if column in names
    }

    def say(row: Row) -> Values:
        number = row["row"]
        assert isinstance(number, int)
        return _values(rows[number], names, kinds)

    return Pure(say)


def _values(
    row: Mapping[str, Any], names: Mapping[str, str], kinds: Mapping[str, pl.DataType]
) -> Values:
    said: Values = {}
    faults: list[str] = []
    for column, name in names.items():
        try:
            said[column] = read_value(column, kinds[column], row.get(name))
        except UnreadableValueError as error:
            faults.append(str(error))
    return {**said, UNREAD: "; ".join(faults) or None}
