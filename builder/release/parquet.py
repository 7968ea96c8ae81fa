"""Parquet files of one split in one configuration, cut so that a new version shares their bytes.

Row groups and files are cut by row NUMBER, not by count: a rule that drops one row more moves no
later boundary, so with content-defined chunking all but its own chunk stays as it was. The size
of a shard has no say.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

import polars as pl
import pyarrow.parquet as pq

from builder.release.columns import MODELS, Column, arrow_schema
from builder.release.layout import parquet_name

GROUP_SPAN: Final = 10_000
"""Row numbers that one row group covers: at most some 40 MB of text, so that the Hub's viewer
(scan limit 300 MB) and the memory of this writer are safe."""

FILE_SPAN: Final = 250_000
"""Row numbers that one file covers at most: a multiple of `GROUP_SPAN`."""

SMALLER: Final = (1.0, 0.4, 0.2, 0.08, 0.04)
"""Shares of `FILE_SPAN` that a file may cover where rows are long: 250,000 to 10,000."""

FILE_BYTES: Final = 450e6
"""Bytes that a file should stay below, by what its first row group takes."""

MOST_FILES: Final = 40
"""Files of a configuration, beyond which they are rather larger: one commit takes some 100."""

DICTIONARY_COLUMNS: Final = (
    "model",
    "gen_input_configs.temperature",
    "gen_input_configs.top_p",
    "gen_input_configs.input_generator",
    "gen_input_configs.pre_query_template",
    "conversations.list.element.from",
    "messages.list.element.role",
    "instruction_finish_reason",
    "finish_reason",
    "drop_reason",
    "other_task_category.list.element",
    "safety_categories.list.element",
    "llama_guard_2",
    "language",
    "contaminated_by",
)
"""Columns of few values, as are labels and the names of judges. A dictionary of texts would stand
in front of all its pages and change with each of them, and so undo the content-defined chunks."""


def file_span(group_bytes: int, last: int) -> int:
    """Return how many row numbers a file covers whose first row group takes so many bytes.

    It follows from the first rows alone, which a later version has, too, so its cuts stay.
    """
    spans = [max(round(FILE_SPAN * part) // GROUP_SPAN, 1) * GROUP_SPAN for part in SMALLER]
    few = [span for span in spans if last // span < MOST_FILES] or spans[:1]
    fitting = (span for span in few if group_bytes * span // GROUP_SPAN <= FILE_BYTES)
    return next(fitting, few[-1])


class SplitWriter:
    """Writes rows that come in the order of their numbers, in pieces of any size."""

    def __init__(self, folder: Path, split: str, columns: Iterable[Column], last: int = 0) -> None:
        """`last` is the greatest row number to come, as far as it is known."""
        self._folder = folder
        self._split = split
        self._columns = tuple(columns)
        self._schema = arrow_schema(self._columns)
        self._group = -1
        self._pending: list[pl.DataFrame] = []
        self._last = last
        self._span: int | None = None  # not known before the first row group is written
        self._file = -1
        self._sink: BinaryIO | None = None
        self._writer: pq.ParquetWriter | None = None
        self._drafts: list[Path] = []

    def write(self, rows: pl.DataFrame) -> None:
        """Add rows, sorted by `row` and greater than those before."""
        groups = rows.group_by(pl.col("row") // GROUP_SPAN, maintain_order=True)
        for _, part in groups:
            group = int(part["row"][0]) // GROUP_SPAN
            if group != self._group:
                self._flush()
                self._group = group
            self._pending.append(part)

    def _flush(self) -> None:
        if not self._pending:
            return
        part = pl.concat(self._pending)
        self._pending = []
        table = part.select(self._schema.names).to_arrow().cast(self._schema)
        writer = self._open(self._file_of(self._group))
        writer.write_table(table, row_group_size=max(table.num_rows, 1))
        if self._span is None and self._sink is not None:
            self._span = file_span(self._sink.tell(), self._last)
            self._file = self._file_of(self._group)

    def _file_of(self, group: int) -> int:
        return group * GROUP_SPAN // (self._span or FILE_SPAN)

    def _open(self, file: int) -> pq.ParquetWriter:
        if self._writer is not None and file == self._file:
            return self._writer
        self._end_file()
        self._file = file
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f".{self._split}-{len(self._drafts):05d}.draft"
        self._drafts.append(draft)
        self._sink = draft.open("wb")
        self._writer = pq.ParquetWriter(
            self._sink,
            self._schema,
            compression="zstd",
            use_dictionary=self._of_few_values(),
            use_content_defined_chunking=True,
            write_page_index=True,
        )
        return self._writer

    def _of_few_values(self) -> list[str]:
        names = set(self._schema.names)
        known = [path for path in DICTIONARY_COLUMNS if path.partition(".")[0] in names]
        marked = [one.name for one in self._columns if one.labels or one.name.endswith(MODELS)]
        return [*known, *marked]

    def _end_file(self) -> None:
        writer, self._writer = self._writer, None
        sink, self._sink = self._sink, None
        with contextlib.ExitStack() as closing:
            if sink is not None:
                closing.callback(sink.close)
            if writer is not None:
                closing.callback(writer.close)

    def finish(self) -> list[Path]:
        """Write what is left, give the files their names, and return them. None for no rows."""
        self._flush()
        self._end_file()
        count = len(self._drafts)
        files = [self._folder / parquet_name(self._split, number, count) for number in range(count)]
        for draft, file in zip(self._drafts, files, strict=True):
            draft.rename(file)
        return files

    def __enter__(self) -> SplitWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the open file. Without `finish` what was written stays a draft."""
        with contextlib.suppress(OSError):  # the error that brought us here is the one to tell
            self._end_file()
