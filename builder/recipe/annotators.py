"""The annotators that a recipe turns on: their declarations, options, stages and columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from builder.annotate import registry
from builder.annotate.base import Annotator, Needs, Options, Output
from builder.recipe.existing.published import published, stage_of
from builder.recipe.schema import Recipe
from builder.rows import INSTRUCT, RESPOND, Columns

_ADDRESSES: Final = frozenset({"endpoint", "api_key_env", "concurrency"})
"""Options that say where something is asked, not what: they may change on a run that stands."""


@dataclass(frozen=True)
class Annotation:
    """An annotator as a recipe turns it on.

    `stage` names its files in a shard. Another judge, another model or another version of the
    annotator is another stage: what an earlier one said stays, and is never mixed with it.
    """

    annotator: Annotator
    options: Options
    stage: str

    @property
    def name(self) -> str:
        """The name of the annotator."""
        return self.annotator.name

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """The columns of its stage, with the keys."""
        kinds = {name: output.kind for name, output in self.annotator.columns.items()}
        return {"row": pl.Int64(), "uuid": pl.String(), **kinds}


def annotations_of(recipe: Recipe) -> tuple[Annotation, ...]:
    """All annotators of a recipe, in its order. The recipe must have passed its check.

    In front stand the annotations that its source has already, where it has any.
    """
    own = (_annotation(recipe, name, told) for name, told in recipe.annotators.items())
    return (*_published(recipe), *own)


def _published(recipe: Recipe) -> tuple[Annotation, ...]:
    found = published(recipe.source, recipe.annotators) if recipe.source else None
    if found is None:
        return ()
    annotator, options = found
    return (Annotation(annotator, options, stage_of(options, annotator.version)),)


def asks_engine(recipe: Recipe) -> bool:
    """Whether the recipe's own engine is asked for anything: rows, or judgements of them."""
    if recipe.source is None:
        return True
    return recipe.judge is None and bool(judges_of(recipe))


def judges_of(recipe: Recipe) -> tuple[str, ...]:
    """Names of the annotators of a recipe that ask its judge."""
    return tuple(
        name
        for name in recipe.annotators
        if name in registry.names() and registry.annotator(name).needs is Needs.JUDGE
    )


def stages(recipe: Recipe) -> dict[str, Columns]:
    """The stages that write rows of a run, with their columns, in the order of joining."""
    workers = (one for one in annotations_of(recipe) if one.annotator.start is not None)
    return {"instruct": INSTRUCT, **{one.stage: one.schema for one in workers}, "respond": RESPOND}


def outputs(recipe: Recipe) -> dict[str, Output]:
    """All columns of the annotators of a recipe."""
    return {
        name: output
        for one in annotations_of(recipe)
        for name, output in one.annotator.columns.items()
    }


def done_column(stage: str) -> str:
    """Name of the flag that says whether a stage has written a row."""
    return f"{stage} done"


def instruction_columns(recipe: Recipe) -> dict[str, pl.DataType]:
    """Columns that rules on the instruction may name."""
    known = _known(recipe)
    early = [one for one in known if not one.annotator.after_response and one.annotator.start]
    return dict(INSTRUCT) | dict(_columns(early))


def response_columns(recipe: Recipe) -> dict[str, pl.DataType]:
    """Columns that rules on the response may name."""
    known = _known(recipe)
    return dict(INSTRUCT) | dict(RESPOND) | dict(_columns(known))


def whole_set_columns(recipe: Recipe) -> frozenset[str]:
    """Columns that are known only once all rows are there."""
    late = [one for one in _known(recipe) if one.annotator.start is None]
    return frozenset(name for name, _ in _columns(late))


def _known(recipe: Recipe) -> list[Annotation]:
    """The annotators of a recipe whose names are right; the others are reported elsewhere."""
    own = (_bare(registry.annotator(one)) for one in recipe.annotators if one in registry.names())
    return [*_published(recipe), *own]


def _bare(annotator: Annotator) -> Annotation:
    return Annotation(annotator, Options(), "")


def _columns(known: list[Annotation]) -> Iterator[tuple[str, pl.DataType]]:
    """Name and type of the columns that rules may name: vectors are none of them."""
    for one in known:
        for name, output in one.annotator.columns.items():
            if output.kind != pl.Binary:
                yield name, output.kind


def _annotation(recipe: Recipe, name: str, told: Mapping[str, Any]) -> Annotation:
    annotator = registry.annotator(name)
    options = annotator.options.model_validate(told)
    shape: dict[str, object] = {
        "version": annotator.version,
        "options": _without_addresses(options.model_dump(mode="json")),
    }
    if annotator.needs is Needs.JUDGE:
        model = (recipe.judge or recipe).model
        shape["judge"] = model.model_dump(mode="json", include={"id", "revision"})
    text = json.dumps(shape, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return Annotation(annotator, options, f"{name}-{digest}")


def _without_addresses(value: object) -> object:
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if key not in _ADDRESSES}
        return {key: _without_addresses(one) for key, one in kept.items()}
    return value
