"""The rows of a data set by their numbers, for readers that go forward and rarely look back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from builder.annotate.texts.frames import frames_of
from builder.errors import RunError

HELD: Final = 8
"""Frames that stay in memory, some 16,000 rows. Rows under way lie closer together than that,
except where a server lets one of them wait for very long."""


class SourceRows:
    """The rows of `files`, in order, with those of `columns` that their file has.

    The frames in memory move forward with the rows that are asked for. One that they have left
    behind is looked up by itself. `held` is how many of them there are.
    """

    def __init__(self, files: Sequence[Path], columns: Sequence[str], held: int = HELD) -> None:
        self._files = tuple(files)
        self._columns = tuple(columns)
        self._held: deque[tuple[int, pl.DataFrame]] = deque(maxlen=held)
        self._coming = self._frames()
        self._end = 0

    def __getitem__(self, row: int) -> dict[str, Any]:
        """The row of this number, from 0. Raises `RunError` where the files end before it."""
        while row >= self._end:
            first, frame = self._next(row)
            self._held.append((first, frame))
            self._end = first + frame.height
        for first, frame in reversed(self._held):
            if first <= row < first + frame.height:
                return frame.row(row - first, named=True)
        return self._alone(row)

    def _frames(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Yield number of the first row -> frame."""
        first = 0
        for file in self._files:
            for frame in frames_of([file], self._of(file)):
                yield first, frame
                first += frame.height

    def _of(self, file: Path) -> Sequence[str] | None:
        """Return the columns to read of a file: one that has none of them has rows nevertheless.

        What is no Parquet is parsed as a whole anyhow, so all of it is taken.
        """
        if not _is_parquet(file):
            return None
        names = pl.scan_parquet(file, glob=False).collect_schema().names()
        return [name for name in self._columns if name in names] or names[:1]

    def _next(self, row: int) -> tuple[int, pl.DataFrame]:
        found = next(self._coming, None)
        if found is None:
            raise RunError(
                f"the data set ends at row {self._end}, and row {row} was there when the run began",
                mend="Put its files back as they were, or build into another --run DIR.",
            )
        return found

    def _alone(self, row: int) -> dict[str, Any]:
        """Read one row anew; of Parquet, no more than the part that it lies in."""
        first = 0
        for file in self._files:
            if _is_parquet(file):
                plan = pl.scan_parquet(file, glob=False)
                height = plan.select(pl.len()).collect().item()
                if row < first + height:
                    near = plan.select(self._of(file) or ()).slice(row - first, 1).collect()
                    return near.row(0, named=True)
                first += height
                continue
            for frame in frames_of([file], self._of(file)):
                if row < first + frame.height:
                    return frame.row(row - first, named=True)
                first += frame.height
        raise AssertionError(f"row {row} was read before")


def _is_parquet(file: Path) -> bool:
    return file.suffix.lower() == ".parquet"
