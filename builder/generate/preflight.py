"""The preflight of a run: its engines, asked for a few instructions before any row is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from builder.engines.base import Engine, SamplingParams
from builder.engines.pool import Pool
from builder.engines.preflight import Preflight, Tested, Tokenizer, preflight
from builder.generate.instruct import stops_of
from builder.generate.sampling import row_seed, sweep_point
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
    return await preflight(tested, template, sample_params(recipe, template), tokenizer)


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
