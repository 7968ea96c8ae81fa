"""From the rows of a shard and what selecting decided of them to the rows of a release."""

from __future__ import annotations

import polars as pl

from builder.recipe.schema import Recipe
from builder.recipe.template import PromptTemplate
from builder.release.model_name import model_name
from builder.rows import KEYS, RESPOND


def released(rows: pl.DataFrame, recipe: Recipe, template: PromptTemplate) -> pl.DataFrame:
    """Return the raw configuration's rows, with the columns `columns.RAW_COLUMNS` in that order.

    `rows` has the columns of `Shard.rows` and of `rows.SELECTION`. A row that was dropped before
    its response has null in the columns of the response unless the recipe answers all rows:
    whether it was answered after all hangs on when its twin came, and a release must not.
    """
    if recipe.respond == "survivors":
        rows = rows.with_columns(_without_stray_responses(recipe))
    model = model_name(recipe)
    sampled = pl.struct(
        "temperature",
        "top_p",
        pl.lit(model).alias("input_generator"),
        "seed",
        pl.lit(template.pre_query).alias("pre_query_template"),
    )
    return rows.select(
        "uuid",
        "row",
        pl.lit(model).alias("model"),
        sampled.alias("gen_input_configs"),
        "instruction",
        "response",
        _turns("from", "value", ("human", "gpt")).alias("conversations"),
        _turns("role", "content", ("user", "assistant")).alias("messages"),
        "instruction_length",
        "response_length",
        "instruction_tokens",
        "response_tokens",
        pl.col("instruction_finish_reason", "finish_reason").cast(pl.String),
        "instruction_error",
        "response_error",
        "drop_reason",
        "duplicate_of",
    )


def _without_stray_responses(recipe: Recipe) -> list[pl.Expr]:
    early = [*recipe.rules.instruction, "duplicate"]
    dropped = pl.col("instruction").is_null() | pl.col("drop_reason").is_in(early)
    return [
        pl.when(dropped.fill_null(value=False)).then(None).otherwise(pl.col(name)).alias(name)
        for name in RESPOND
        if name not in KEYS
    ]


def _turns(who: str, what: str, names: tuple[str, str]) -> pl.Expr:
    """Return both turns as a list of two structs, or null where one of them is missing."""
    asked, answered = (
        pl.struct(pl.lit(name).alias(who), pl.col(column).alias(what))
        for name, column in zip(names, ("instruction", "response"), strict=True)
    )
    whole = pl.col("instruction").is_not_null() & pl.col("response").is_not_null()
    return pl.when(whole).then(pl.concat_list(asked, answered))
