"""The columns of a release: name, Arrow type and meaning, as the card prints them.

Names and order of `PUBLISHED`, and the nesting of what is nested, are those of the published
Magpie sets (data-set cards of Magpie-Align on the Hub); the others are ours and come after them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import polars as pl
import pyarrow as pa

from builder.recipe.annotators import annotations_of
from builder.recipe.model_use import NAMING
from builder.recipe.schema import Recipe


@dataclass(frozen=True)
class Column:
    """One column of a release. `meaning` is one line for the card; `labels` are in their order.

    A column with labels is a dictionary in Arrow, and `metadata` is what makes Polars read an
    Enum: `difficulty >= 'medium'` then goes by the order of the labels, not of the alphabet.
    """

    name: str
    type: pa.DataType
    meaning: str
    labels: tuple[str, ...] = ()
    metadata: Mapping[bytes, bytes] | None = None


PUBLISHED: Final = (
    "uuid",
    "model",
    "gen_input_configs",
    "instruction",
    "response",
    "conversations",
    "task_category",
    "other_task_category",
    "task_category_generator",
    "difficulty",
    "intent",
    "knowledge",
    "difficulty_generator",
    "input_quality",
    "quality_explanation",
    "quality_generator",
    "llama_guard_2",
    "reward_model",
    "instruct_reward",
    "min_neighbor_distance",
    "repeat_count",
    "min_similar_uuid",
    "instruction_length",
    "response_length",
    "language",
    "base_output",
    "base_reward",
    "reward_difference",
)
"""The newest cards' order; the last three are of the first Air and Pro cards."""

MODELS: Final = NAMING
"""Ends of the names of columns that name the model that judged a row."""

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

_OF_EVERY_ROW: Final = (
    Column("uuid", _TEXT, "identity of the row"),
    Column("model", _TEXT, "model that wrote instruction and response"),
    Column("gen_input_configs", _SAMPLING, "how the instruction was sampled, and from what"),
    Column("instruction", _TEXT, "what the model wrote as the user's turn"),
    Column("response", _TEXT, "what the model answered"),
    Column("conversations", _TURNS, "both turns; `from` is `human` or `gpt`"),
    Column("instruction_length", _COUNT, "characters of the instruction"),
    Column("response_length", _COUNT, "characters of the response"),
    Column("row", _COUNT, "row number in the run, from 0; with the recipe it fixes the sampling"),
    Column("messages", _MESSAGES, "both turns; `role` is `user` or `assistant`"),
    Column("instruction_tokens", _COUNT, "tokens generated for the instruction"),
    Column("response_tokens", _COUNT, "tokens generated for the response"),
    Column(
        "instruction_finish_reason", _TEXT, "`stop`: ended by itself; `length`: by the token limit"
    ),
    Column("finish_reason", _TEXT, "the same of the response"),
)

_OF_RAW_ROWS: Final = (
    Column("instruction_error", _TEXT, "why the engine gave the instruction up"),
    Column("response_error", _TEXT, "why the engine gave the response up"),
    Column("drop_reason", _TEXT, "why the row is not kept; null where it is"),
    Column(
        "duplicate_of",
        _TEXT,
        "`uuid` of the first row with the same instruction, or with nearly the same",
    ),
)


def filtered_columns(recipe: Recipe) -> tuple[Column, ...]:
    """Return the columns of the rows that are kept."""
    own = (_row_of_a_data_set(one) if recipe.source else one for one in _OF_EVERY_ROW)
    return tuple(sorted((*own, *annotation_columns(recipe, "filtered")), key=_place))


def _row_of_a_data_set(column: Column) -> Column:
    """A column as it is to be understood where the rows were taken from a data set."""
    meaning = "number of the row in the data set that it comes from, counted from 0"
    return replace(column, meaning=meaning) if column.name == "row" else column


def raw_columns(recipe: Recipe) -> tuple[Column, ...]:
    """Return the columns of all rows: those of the kept ones, then what only dropped ones need."""
    return (*filtered_columns(recipe), *annotation_columns(recipe, "raw"), *_OF_RAW_ROWS)


def annotation_columns(recipe: Recipe, place: str) -> tuple[Column, ...]:
    """Return the annotators' columns of one place, in the order of the recipe.

    What is known once all rows are there fails on none of them, and has no column for that.
    """
    found = (
        _annotation_column(name, output.kind, output.meaning)
        for one in annotations_of(recipe)
        for name, output in one.annotator.columns.items()
        if output.place == place and (one.annotator.start or name in one.annotator.writes)
    )
    return tuple(found)


def _place(column: Column) -> int:
    return PUBLISHED.index(column.name) if column.name in PUBLISHED else len(PUBLISHED)


_PLAIN: Final[Mapping[type[pl.DataType], pa.DataType]] = {
    pl.String: _TEXT,
    pl.Int64: _COUNT,
    pl.Float64: _REAL,
    pl.Boolean: pa.bool_(),
}


def _annotation_column(name: str, kind: pl.DataType, meaning: str) -> Column:
    if isinstance(kind, pl.Enum):
        as_polars_writes_it = pl.Series(name, [], kind).to_frame().to_arrow().schema.field(name)
        labels = pa.dictionary(pa.uint8(), _TEXT, ordered=True)
        metadata = as_polars_writes_it.metadata
        return Column(name, labels, meaning, tuple(kind.categories), metadata)
    if isinstance(kind, pl.List):
        inner = pl.String() if kind.inner == pl.Enum else kind.inner
        return Column(name, pa.list_(_plain(inner)), meaning)
    return Column(name, _plain(kind), meaning)


def _plain(kind: object) -> pa.DataType:
    return next(arrow for polars, arrow in _PLAIN.items() if kind == polars)


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """Return the Arrow schema of these columns."""
    return pa.schema(
        [pa.field(column.name, column.type, metadata=column.metadata) for column in columns]
    )


def type_name(kind: pa.DataType) -> str:
    """Return a type as a reader writes it: `list<struct{from: string, value: string}>`.

    A dictionary of labels is `string`, as `datasets` reads it.
    """
    if pa.types.is_dictionary(kind):
        return type_name(kind.value_type)
    if pa.types.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    if pa.types.is_struct(kind):
        fields = ", ".join(f"{field.name}: {type_name(field.type)}" for field in kind)
        return f"struct{{{fields}}}"
    return {"double": "float64"}.get(str(kind), str(kind))
