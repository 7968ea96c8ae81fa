"""The judge of a run: a model that gets a question as its user turn, and answers it."""

from __future__ import annotations

from dataclasses import dataclass

from builder.annotate.base import Question, Reply
from builder.engines.base import SamplingParams
from builder.generate.record import Asks
from builder.recipe.template import PromptTemplate
from builder.text import writable


@dataclass(frozen=True)
class PoolJudge:
    """See `annotate.base.Judge`. `model` is its name on the card."""

    asks: Asks
    template: PromptTemplate
    model: str
    constrained: bool

    async def ask(self, question: Question) -> Reply:
        """See `Judge.ask`. The prefill stands where the reply begins."""
        params = SamplingParams(
            temperature=question.temperature,
            top_p=1.0,
            max_tokens=question.max_tokens,
            seed=question.seed,
            stop=self.template.stops,
            whole=True,
            schema=question.schema if self.constrained else None,
        )
        prompt = self.template.response_prompt(question.text) + question.prefill
        completion = await self.asks.complete(prompt, params)
        return Reply(writable(completion.text), completion.finish_reason)
