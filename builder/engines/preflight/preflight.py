"""Preflight: before anything is spent, look at what an engine makes of the bare user turn.

Two looks. The tokens: does the server get the ids that the model was trained on, with the
begin-of-text token that the template has, its special tokens whole (`tokens`)? The
samples: some instructions with the recipe's own sampling. Are they what a user writes, do they end
where a turn ends (`samples`)? What cannot be right is refused; the rest is kept, for
run.json, the card and the eyes of people.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from builder.engines.base import Completion, Engine, SamplingParams
from builder.engines.preflight.facts import Check, Preflight, Sample, TokenFacts
from builder.engines.preflight.samples import judge_samples, sample_checks
from builder.engines.preflight.tokens import Tokenizer, server_name, token_facts
from builder.errors import RowError
from builder.recipe.template import PromptTemplate

__all__ = ["Ask", "Check", "Preflight", "Sample", "Tested", "TokenFacts", "Tokenizer", "preflight"]

Ask = Callable[[str, SamplingParams], Awaitable[Completion]]
"""From a prompt to its completion, asked again where that may help, as `Pool.complete` does.
Raises `RowError` when it is given up, `StopError` when nothing can succeed."""


@dataclass(frozen=True)
class Tested:
    """An engine, and what asks it and no other: `Tested(engine, Pool(engine, 8).complete)`."""

    engine: Engine
    ask: Ask


async def preflight(
    tested: Sequence[Tested],
    template: PromptTemplate,
    params: Sequence[SamplingParams],
    tokenizer: Tokenizer | None,
) -> Preflight:
    """Look at all engines of a run; `params` has one entry for each sample.

    Sample number n goes to engine number n modulo their number. `tokenizer` is the model's own,
    None where it has none that can be read: then only what servers tell is known of the tokens.
    Raises `EngineError`, with what was seen and what to do, when a run would be worthless, and
    whatever `StopError` an engine raises.
    """
    tokens = await token_facts([one.engine for one in tested], template, tokenizer)
    samples = await _sampled(tested, template, params)
    special = tokenizer.special if tokenizer is not None else template.stops
    marks = tuple(text for text in special if text.strip())
    for number in range(len(tested)):
        share = slice(number, None, len(tested))
        name = server_name(number, len(tested))
        judge_samples(samples[share], params[share], template, marks, name)
    if len(tested) > 1:
        judge_samples(samples, params, template, marks, "the servers")
    return Preflight(tokens, tuple(samples), sample_checks(samples, template, marks))


async def _sampled(
    tested: Sequence[Tested], template: PromptTemplate, params: Sequence[SamplingParams]
) -> list[Sample]:
    """The samples in the order of `params`. When one raises, the others are cancelled."""
    tasks = [
        asyncio.create_task(_sample(tested[number % len(tested)].ask, template, one))
        for number, one in enumerate(params)
    ]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _sample(ask: Ask, template: PromptTemplate, params: SamplingParams) -> Sample:
    try:
        completion = await ask(template.pre_query, params)
    except RowError as error:
        return Sample("", None, 0, params.max_tokens, error.message)
    return Sample.of(completion, params.max_tokens)
