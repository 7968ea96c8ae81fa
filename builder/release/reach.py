"""How far each row came, and what is there beyond that by chance alone.

A twin that comes late, and a row whose quota fills up meanwhile, may have been judged or answered
before it was dropped. Whether it was hangs on the order in which answers came, and a release must
not. So what later steps wrote of such a row counts for nothing.
"""

from __future__ import annotations

import polars as pl

from builder.recipe.cascade import Way, way_of
from builder.recipe.schema import Recipe
from builder.rows import KEYS


def ended_at(way: Way) -> pl.Expr:
    """Return the number of the step at which each row was dropped, from 0.

    Null where a row was kept, waits for a step, or came to the end of the way. Reads
    `drop_reason`, `instruction` and the columns of errors.
    """
    reason = pl.col("drop_reason")
    sure = _steps_of_reasons(way)
    respond = next(n for n, step in enumerate(way.steps) if step.stage == "respond")
    failed = pl.when(pl.col("instruction").is_null()).then(0).otherwise(respond)
    return pl.coalesce(
        reason.replace_strict(
            list(sure), list(sure.values()), default=None, return_dtype=pl.Int64()
        ),
        pl.when(reason == "failed").then(failed),
        *(
            pl.when((reason == "unjudged") & pl.col(step.error).is_not_null()).then(number)
            for number, step in enumerate(way.steps)
            if step.annotation is not None and step.needed
        ),
    )


def without_strays(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Return rows with null for what was written of them after the step that dropped them.

    `rows` has the columns of the stages and of `rows.SELECTION`. Where the recipe answers all
    rows, every step is taken with every row, and nothing is left out.
    """
    if recipe.respond == "all":
        return rows
    way = way_of(recipe)
    beyond = [
        pl.when(pl.col("ended") < number).then(None).otherwise(pl.col(name)).alias(name)
        for number, step in enumerate(way.steps)
        if number
        for name in step.writes
        if name in rows.columns and name not in KEYS
    ]
    return rows.with_columns(ended_at(way).alias("ended")).with_columns(beyond).drop("ended")


def _steps_of_reasons(way: Way) -> dict[str, int]:
    """The reasons that only one step can give -> its number."""
    found: dict[str, int] = {}
    for number, step in enumerate(way.steps):
        found |= dict.fromkeys((name for name, _ in step.rules), number)
        found |= {"duplicate": number} if step.twins else {}
        found |= {"near-duplicate": number} if step.near_twins else {}
        found |= {"quota": number} if step.quota else {}
    return found
