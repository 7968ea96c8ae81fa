"""A look at a data set before its rows are read: how many, which columns, which contents.

What is found becomes part of the recipe as it is resolved. So a run whose data set has changed is
refused like one whose recipe has, and a release tells exactly what it was made from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from builder.annotate.texts.frames import frames_of
from builder.errors import UsageError
from builder.recipe.data_files import DataFiles, data_files
from builder.recipe.source_spec import FoundSpec, SourceSpec

TURNS: Final = ("conversations", "messages")
"""Columns that hold both turns, as the published sets and ours have them."""

SAMPLING: Final = "gen_input_configs"
"""The column that says how an instruction was sampled."""


def source_files(source: SourceSpec, base: Path) -> DataFiles:
    """Return the files of a recipe's data set; see `data_files`. Raises `UsageError`."""
    return data_files(source.dataset, base, source.config, source.split, source.revision)


def looked_at(source: SourceSpec, base: Path) -> SourceSpec:
    """Return the source with its commit, and what was found in its files.

    Raises `UsageError` where the data set cannot be read, has no rows, or neither instructions nor
    responses; also where `source.found` says another thing than what is found.
    """
    files = source_files(source, base)
    seen = _Seen()
    for file in files.paths:
        seen.take(file)
    _refuse_unusable(source, seen)
    found = FoundSpec(
        rows=seen.rows,
        columns=tuple(sorted(seen.columns)),
        sha256=None if files.revision else _sha256(files.paths),
        pre_query=next(iter(seen.pre_queries)) if len(seen.pre_queries) == 1 else None,
    )
    if source.found is not None:
        _refuse_other(source.dataset, source.found, found)
    return source.model_copy(update={"revision": files.revision or None, "found": found})


@dataclass
class _Seen:
    """What the files taken so far hold. More than one template is kept as two."""

    rows: int = 0
    columns: set[str] = field(default_factory=set)
    pre_queries: set[str | None] = field(default_factory=set)

    def take(self, file: Path) -> None:
        """Count a file. Parquet tells most of it without its texts being read."""
        if file.suffix.lower() != ".parquet":
            for frame in frames_of([file]):
                self._take(frame.lazy(), frame.schema, frame.height)
            return
        try:
            plan = pl.scan_parquet(file, glob=False)
            rows = plan.select(pl.len()).collect().item()
            self._take(plan, plan.collect_schema(), rows)
        except (pl.exceptions.PolarsError, OSError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            mend = "give a file that is whole, and Parquet"
            raise UsageError(f"{file} cannot be read: {said}", mend=mend) from error

    def _take(self, rows: pl.LazyFrame, schema: pl.Schema, number: int) -> None:
        self.rows += number
        self.columns |= set(schema.names())
        kind = schema.get(SAMPLING)
        if number and len(self.pre_queries) < 2:
            self.pre_queries |= _pre_queries(rows, kind)


def _pre_queries(rows: pl.LazyFrame, kind: pl.DataType | None) -> set[str | None]:
    """Return at most two of the templates that rows name; null where none is named."""
    fields = {one.name: one.dtype for one in kind.fields} if isinstance(kind, pl.Struct) else {}
    if fields.get("pre_query_template") != pl.String:
        return {None}
    named = pl.col(SAMPLING).struct.field("pre_query_template").unique().head(2)
    return set(rows.select(named).collect().to_series())


def _refuse_unusable(source: SourceSpec, seen: _Seen) -> None:
    if not seen.rows:
        raise UsageError(f"{source.dataset} has no rows", mend="name another source.dataset")
    for column in ("instruction", "response"):
        if not seen.columns & {column, *TURNS}:
            raise UsageError(
                f"{source.dataset} has no column {column}, conversations or messages: it has "
                f"{', '.join(sorted(seen.columns))}",
                mend="name a data set in the layout of the published Magpie sets",
            )


def _refuse_other(dataset: str, told: FoundSpec, found: FoundSpec) -> None:
    for key in ("rows", "sha256", "columns"):
        before, now = getattr(told, key), getattr(found, key)
        if before is not None and before != now:
            raise UsageError(
                f"{dataset} is another data set than source.found.{key} says: {before}, and now "
                f"{now}",
                mend="give the data set as it was, or leave source.found out of the recipe",
            )


def _sha256(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
