"""The preflight of a run: its engines, asked for a few instructions before any row is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from builder.engines.base import Engine, Informed, SamplingParams
from builder.engines.pool.pool import Pool
from builder.engines.preflight.preflight import Check, Preflight, Tested, Tokenizer, preflight
from builder.generate.instruct import stops_of
from builder.generate.sampling import row_seed, sweep_point
from builder.recipe.model_source import is_hub_id
from builder.recipe.schema import Recipe
from builder.recipe.template import PromptTemplate

SAMPLES: Final = 20
"""Instructions that people can look through at a glance; a wrapper shows in fewer."""


async def try_engines(
    engines: Sequence[Engine],
    recipe: Recipe,
    template: PromptTemplate,
    tokenizer: Tokenizer | None,
) -> Preflight:
    """Look at the tokens and at samples of a run's engines. Raises `EngineError` of what is wrong.

    The samples have seeds of their own: no row is a sample.
    """
    tested = [Tested(engine, Pool(engine).complete) for engine in engines]
    found = await preflight(tested, template, sample_params(recipe, template), tokenizer)
    told = tuple(engine.info.to_json() for engine in engines if isinstance(engine, Informed))
    return replace(found, engines=told, model_check=model_check(told, recipe.model.id))


def model_check(told: Sequence[Mapping[str, object]], wanted: str) -> Check | None:
    """Hold the names under which servers serve their model against the recipe's; None: not told.

    A name may be a folder or an alias, so another one is for people to look at, no error.
    """
    names = {str(name) for one in told if (name := one.get("model_id") or one.get("model"))}
    if not names:
        return None
    known = names == {wanted} or not is_hub_id(wanted)
    return Check("model served", ", ".join(sorted(names)), fine=known)


def sample_params(recipe: Recipe, template: PromptTemplate) -> list[SamplingParams]:
    """How the samples are asked for: as instructions are, at points of the recipe's own sweep."""
    spec = recipe.instruction
    points = [sweep_point(recipe.seed, number, spec.sweep) for number in range(SAMPLES)]
    return [
        SamplingParams(
            temperature=point.temperature,
            top_p=point.top_p,
            max_tokens=spec.max_tokens,
            seed=row_seed(recipe.seed, number, "preflight"),
            stop=stops_of(template, spec),
        )
        for number, point in enumerate(points)
    ]
