"""How many bytes a release takes once it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def arrow_bytes(files: Sequence[Path]) -> int:
    """Return the bytes of these Parquet files as Arrow tables, a row group after the other.

    Labels count as the strings that `datasets` makes of them. It counts the bitmaps of lists
    differently by itself, one byte for eight rows.
    """
    return sum(_bytes(pq.ParquetFile(path)) for path in files)


def _bytes(file: pq.ParquetFile) -> int:
    schema = pa.schema([pa.field(one.name, _plain(one.type)) for one in file.schema_arrow])
    groups = (file.read_row_group(number) for number in range(file.num_row_groups))
    return sum(group.cast(schema).nbytes for group in groups)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
