"""The columns of a release: name, Arrow type and meaning, as the card prints them.

Names and nesting up to `conversations` are those of the published Magpie sets (data-set cards of
Magpie-Align on the Hub); the others are ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column of a release."""

    name: str
    type: pa.DataType
    meaning: str
    """One line for the card."""


_TEXT, _COUNT, _REAL = pa.string(), pa.int64(), pa.float64()
_SAMPLING: Final = pa.struct(
    [
        ("temperature", _REAL),
        ("top_p", _REAL),
        ("input_generator", _TEXT),
        ("seed", _COUNT),
        ("pre_query_template", _TEXT),
    ]
)
_TURNS: Final = pa.list_(pa.struct([("from", _TEXT), ("value", _TEXT)]))
_MESSAGES: Final = pa.list_(pa.struct([("role", _TEXT), ("content", _TEXT)]))

FILTERED_COLUMNS: Final = (
    Column("uuid", _TEXT, "identity of the row"),
    Column("row", _COUNT, "row number in the run, from 0; with the recipe it fixes the sampling"),
    Column("model", _TEXT, "model that wrote instruction and response"),
    Column("gen_input_configs", _SAMPLING, "how the instruction was sampled, and from what"),
    Column("instruction", _TEXT, "what the model wrote as the user's turn"),
    Column("response", _TEXT, "what the model answered"),
    Column("conversations", _TURNS, "both turns; `from` is `human` or `gpt`"),
    Column("messages", _MESSAGES, "both turns; `role` is `user` or `assistant`"),
    Column("instruction_length", _COUNT, "characters of the instruction"),
    Column("response_length", _COUNT, "characters of the response"),
    Column("instruction_tokens", _COUNT, "tokens generated for the instruction"),
    Column("response_tokens", _COUNT, "tokens generated for the response"),
    Column(
        "instruction_finish_reason", _TEXT, "`stop`: ended by itself; `length`: by the token limit"
    ),
    Column("finish_reason", _TEXT, "the same of the response"),
)
"""Columns of the rows that are kept."""

RAW_COLUMNS: Final = (
    *FILTERED_COLUMNS,
    Column("instruction_error", _TEXT, "why the engine gave the instruction up"),
    Column("response_error", _TEXT, "why the engine gave the response up"),
    Column("drop_reason", _TEXT, "why the row is not kept; null where it is"),
    Column("duplicate_of", _TEXT, "`uuid` of the first row with the same instruction"),
)
"""Columns of all rows that the release covers."""


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """Return the Arrow schema of these columns."""
    return pa.schema([(column.name, column.type) for column in columns])


def type_name(kind: pa.DataType) -> str:
    """Return a type as a reader writes it: `list<struct{from: string, value: string}>`."""
    if pa.types.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    if pa.types.is_struct(kind):
        fields = ", ".join(f"{field.name}: {type_name(field.type)}" for field in kind)
        return f"struct{{{fields}}}"
    return {"double": "float64"}.get(str(kind), str(kind))
