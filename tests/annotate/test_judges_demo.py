"""The judges with the real demo model, which cannot be held to a schema here."""

import asyncio

import pytest

from builder.annotate.base import Reply
from builder.annotate.category import ANNOTATOR as CATEGORY
from builder.annotate.difficulty import ANNOTATOR as DIFFICULTY
from builder.annotate.judging.worker import JudgeOptions
from builder.annotate.quality import ANNOTATOR as QUALITY
from builder.engines.base import SamplingParams
from builder.engines.embedded import EmbeddedEngine, LlamaSettings
from builder.engines.pool.pool import Pool
from builder.recipe.tokens import encoder
from tests.annotate.judging_scripted import JudgeTools
from tests.engines.subjects import FILES, LONGEST, MODEL, TEMPLATE, needs_llama, params

pytestmark = [needs_llama, pytest.mark.slow]

ROWS = 60


class DemoJudge:
    """The demo model through a pool. Keeps how many tokens each reply took."""

    model = "demo"
    constrained = False

    def __init__(self, pool):
        self.tokens = []
        self._pool = pool

    async def ask(self, question):
        prompt = TEMPLATE.response_prompt(question.text) + question.prefill
        sampling = SamplingParams(
            temperature=question.temperature,
            top_p=1.0,
            max_tokens=question.max_tokens,
            seed=question.seed,
            stop=TEMPLATE.stops,
            whole=True,
        )
        completion = await self._pool.complete(prompt, sampling)
        self.tokens.append(completion.tokens)
        return Reply(completion.text, completion.finish_reason)


async def annotated(judge, annotator, texts):
    worker = await annotator.start(JudgeOptions(), JudgeTools(judge))
    rows = [{"row": row, "instruction": text} for row, text in enumerate(texts)]
    return [values for [values] in await asyncio.gather(*(worker.annotate([r]) for r in rows))]


def with_pool(work):
    """What `work(pool)` returns, with the demo model in the pool."""

    async def main():
        engine = EmbeddedEngine(LlamaSettings(MODEL, slots=8, context=2048), encoder(FILES))
        try:
            return await asyncio.wait_for(work(Pool(engine)), LONGEST)
        finally:
            await engine.close()

    return asyncio.run(main())


@pytest.mark.parametrize("annotator", [QUALITY, DIFFICULTY, CATEGORY], ids=lambda one: one.name)
def test_the_demo_model_judges_its_own_instructions_without_a_schema(annotator):
    async def work(pool):
        asked = (pool.complete(TEMPLATE.pre_query, params(seed)) for seed in range(ROWS))
        texts = [completion.text for completion in await asyncio.gather(*asked)]
        judge = DemoJudge(pool)
        return judge, await annotated(judge, annotator, texts)

    judge, judged = with_pool(work)
    written = {name for name, out in annotator.columns.items() if out.place == "filtered"}
    assert len(judge.tokens) <= ROWS * 1.01  # asked once: each reply is usable as it is
    assert [set(values) for values in judged] == [written] * ROWS


def test_texts_that_are_hard_to_carry_reach_a_real_model():
    texts = ["a\x00b \ud800", "مرحبا \u202e בית", "\U0001f468\u200d\U0001f469", "-----\nexcellent"]

    async def work(pool):
        return await annotated(DemoJudge(pool), QUALITY, texts)

    judged = with_pool(work)
    assert [values["quality_generator"] for values in judged] == ["demo"] * 4
    assert all(("input_quality" in v) != ("quality_error" in v) for v in judged)
