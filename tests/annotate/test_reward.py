"""The reward of a response."""

import asyncio
import math

import pytest
from pydantic import ValidationError

from builder.annotate.base import Cost, Needs
from builder.annotate.registry import annotator
from builder.annotate.reward import NOTHING_TO_JUDGE, RewardOptions, RewardWorker
from builder.errors import EngineError, RowError
from tests.servers.scoring import TEMPLATE, logit, rendered, tei, vllm
from tests.servers.scoring.tools import ServedTools

NAME = "sfairXC/FsfairX-LLaMA3-RM-v0.1"
ROW = {"instruction": "Why is the sky blue?", "response": "Air scatters blue light most."}


def rewarded(url, *rows, **options):
    async def main():
        async with ServedTools() as tools:
            told = RewardOptions(endpoint=url, **options)
            worker = await annotator("reward").start(told, tools)
            found = await worker.annotate(rows)
            await worker.close()
            return found

    return asyncio.run(asyncio.wait_for(main(), 60))


def test_it_needs_a_server_and_the_response():
    declared = annotator("reward")
    assert (declared.needs, declared.cost) == (Needs.SERVER, Cost.TOKENS)
    assert declared.after_response
    assert list(declared.columns) == ["instruct_reward", "reward_model", "reward_error"]


def test_the_reward_stands_beside_its_model():
    with vllm() as server:
        found = rewarded(server.url, ROW, {**ROW, "response": ""})
    assert found == [
        {"instruct_reward": logit(rendered(*ROW.values())), "reward_model": NAME},
        {"instruct_reward": logit(rendered(ROW["instruction"], "")), "reward_model": NAME},
    ]


def test_the_same_model_gives_the_same_reward_behind_another_server():
    with vllm() as server, tei() as other:
        assert rewarded(server.url, ROW) == rewarded(other.url, ROW, template=TEMPLATE)


def test_a_server_of_texts_needs_the_template():
    with tei() as server, pytest.raises(EngineError, match="takes no messages"):
        rewarded(server.url, ROW)


@pytest.mark.parametrize("template", ["{instruction}", "{response}", "{instruction}{response}" * 2])
def test_a_template_has_both_slots_once(template):
    with pytest.raises(ValidationError, match="once"):
        RewardOptions(endpoint="http://localhost:1", template=template)


@pytest.mark.parametrize("missing", ["instruction", "response"])
def test_a_row_without_a_response_is_not_asked_about(missing):
    with vllm() as server:
        assert rewarded(server.url, ROW | {missing: None}) == [{"reward_error": NOTHING_TO_JUDGE}]


def test_half_a_surrogate_pair_is_scored_as_the_replacement_character():
    with vllm() as server:
        (found,) = rewarded(server.url, ROW | {"response": "a\ud83d"})
    assert found["instruct_reward"] == logit(rendered(ROW["instruction"], "a\ufffd"))


@pytest.mark.parametrize("reward", [math.nan, math.inf, -math.inf])
def test_a_reward_that_is_no_finite_number_is_a_failure_with_its_reason(reward):
    class Broken:
        model = NAME

        async def score(self, instruction, response):
            return reward

    with pytest.raises(RowError) as caught:
        asyncio.run(RewardWorker(Broken()).annotate([ROW]))
    assert caught.value.message == f"the reward is {reward}, which is no finite number"
