"""From the rows of a shard and what selecting decided of them to the rows of a release."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
import pyarrow as pa

from builder.recipe.schema import Recipe
from builder.recipe.template import PromptTemplate
from builder.release.columns import MODELS, Column, annotation_columns, raw_columns
from builder.release.machine import called_column, message_column
from builder.release.model_name import model_name
from builder.release.reach import without_strays


def released(rows: pl.DataFrame, recipe: Recipe, template: PromptTemplate) -> pl.DataFrame:
    """Return the raw configuration's rows, with the columns `columns.raw_columns` in that order.

    `rows` has the columns of `Shard.rows` and of `rows.SELECTION`, and those of the neighbours
    where the recipe asks for them. What stands there by chance alone (`reach`) becomes null.
    """
    rows = without_strays(rows, recipe)
    model = model_name(recipe)
    sampled = pl.struct(
        "temperature",
        "top_p",
        pl.lit(model).alias("input_generator"),
        "seed",
        pl.lit(template.pre_query).alias("pre_query_template"),
    )
    annotated = (*annotation_columns(recipe, "filtered"), *annotation_columns(recipe, "raw"))
    return rows.with_columns(
        pl.lit(model).alias("model"),
        sampled.alias("gen_input_configs"),
        _turns("from", "value", ("human", "gpt")).alias("conversations"),
        _turns("role", "content", ("user", "assistant")).alias("messages"),
        pl.col("instruction_finish_reason", "finish_reason").cast(pl.String),
        *(message_column(name) for name in ("instruction_error", "response_error")),
        *_annotations(annotated),
    ).select(column.name for column in raw_columns(recipe))


def _annotations(columns: Iterable[Column]) -> Iterable[pl.Expr]:
    """Return annotations as a release has them: nothing of this machine, no number that is none."""
    for column in columns:
        value = pl.col(column.name)
        if column.name.endswith(MODELS):
            yield called_column(column.name)
        elif column.name.endswith("_error"):
            yield message_column(column.name)
        elif pa.types.is_float64(column.type):
            yield pl.when(value.is_finite()).then(value).alias(column.name)
        elif pa.types.is_list(column.type) and pa.types.is_string(column.type.value_type):
            yield value.cast(pl.List(pl.String))


def _turns(who: str, what: str, names: tuple[str, str]) -> pl.Expr:
    """Return both turns as a list of two structs, or null where one of them is missing."""
    asked, answered = (
        pl.struct(pl.lit(name).alias(who), pl.col(column).alias(what))
        for name, column in zip(names, ("instruction", "response"), strict=True)
    )
    whole = pl.col("instruction").is_not_null() & pl.col("response").is_not_null()
    return pl.when(whole).then(pl.concat_list(asked, answered))
