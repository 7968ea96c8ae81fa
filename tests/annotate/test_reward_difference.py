"""How much better a response is than the base model's."""

import asyncio
import contextlib
from dataclasses import replace

import pytest
from pydantic import ValidationError

from builder.annotate.base import Cost, Needs
from builder.annotate.registry import annotator
from builder.annotate.reward_difference import (
    NOTHING_TO_COMPARE,
    PROMPT,
    STOPS,
    DifferenceOptions,
)
from builder.errors import EngineError
from tests.servers.authors import tokens
from tests.servers.openai import VLLM, openai_server
from tests.servers.scoring import logit, rendered, vllm
from tests.servers.scoring.model import NOT_A_NUMBER
from tests.servers.scoring.tools import ServedTools

NAME = "sfairXC/FsfairX-LLaMA3-RM-v0.1"
SAID = "The sky is blue."
REPLY = f" {SAID}\n\n### Request\nWhy is grass green?\n\n### Answer\nIt is."
ROW = {
    "instruction": "Why is the sky blue?",
    "response": "Air scatters blue light most.",
    "instruct_reward": 1.5,
    "reward_model": NAME,
}


@contextlib.contextmanager
def servers(reply=REPLY, **how):
    with openai_server(replace(VLLM, reply=reply)) as base, vllm(**how) as reward:
        yield base, reward


def compared(base, reward, *rows, **options):
    async def main():
        async with ServedTools() as tools:
            told = {"base": {"endpoint": base.url, **options}, "reward": {"endpoint": reward.url}}
            worker = await annotator("reward_difference").start(DifferenceOptions(**told), tools)
            found = await worker.annotate(rows)
            await worker.close()
            return found

    return asyncio.run(asyncio.wait_for(main(), 60))


def test_it_needs_servers_and_a_rewarded_response():
    declared = annotator("reward_difference")
    assert (declared.needs, declared.cost) == (Needs.SERVER, Cost.TOKENS)
    assert declared.reads == ("instruction", "response", "instruct_reward", "reward_model")
    assert list(declared.columns) == [
        "base_output",
        "base_reward",
        "reward_difference",
        "reward_difference_error",
    ]


def test_the_difference_is_the_reward_less_that_of_the_base_models_answer():
    with servers() as (base, reward):
        (found,) = compared(base, reward, ROW)
    expected = logit(rendered(ROW["instruction"], SAID))
    assert found == {
        "base_output": SAID,
        "base_reward": expected,
        "reward_difference": 1.5 - expected,
    }


def test_the_base_model_goes_on_with_a_plain_text_and_stops_at_the_next_request():
    with servers() as (base, reward):
        compared(base, reward, {**ROW, "instruction": " Why {instruction}? "}, max_tokens=77)
        body = base.bodies[-1]
    prompt = tokens().text(body["prompt"])
    assert prompt == PROMPT.replace("{instruction}", "Why {instruction}?")
    assert "<|" not in prompt
    assert body["stop"] == list(STOPS)
    assert (body["max_tokens"], body["temperature"]) == (77, 0.0)


def test_a_base_model_that_says_nothing_is_scored_for_that():
    with servers("\n### Request\nAnd?") as (base, reward):
        (found,) = compared(base, reward, ROW)
    assert found["base_output"] == ""
    assert found["base_reward"] == logit(rendered(ROW["instruction"], ""))


def test_where_the_score_fails_the_answer_is_kept_with_the_reason():
    with servers(f"{NOT_A_NUMBER}\n### Answer") as (base, reward):
        (found,) = compared(base, reward, ROW)
    assert found == {
        "base_output": NOT_A_NUMBER,
        "reward_difference_error": f"{reward.url} made a score that is no finite number",
    }


@pytest.mark.parametrize("missing", ["instruction", "response", "instruct_reward"])
def test_a_row_without_a_reward_is_not_asked_about(missing):
    with servers() as (base, reward):
        before = len(base.bodies)
        found = compared(base, reward, ROW | {missing: None})
        probing = len(base.bodies) - before
        compared(base, reward)
        assert len(base.bodies) == before + 2 * probing
    assert found == [{"reward_difference_error": NOTHING_TO_COMPARE}]


def test_the_rewards_of_two_models_are_not_compared():
    with servers() as (base, reward), pytest.raises(EngineError, match="cannot be compared"):
        compared(base, reward, ROW | {"reward_model": "RLHFlow/ArmoRM-Llama3-8B-v0.1"})


@pytest.mark.parametrize("name", [None, "fsfairx-llama3-rm-v0.1", NAME])
def test_a_name_without_its_folder_is_the_same_model(name):
    with servers(model="/models/FsfairX-LLaMA3-RM-v0.1") as (base, reward):
        (found,) = compared(base, reward, ROW | {"reward_model": name})
    assert found["base_output"] == SAID


@pytest.mark.parametrize("told", [{}, {"base": {"endpoint": "http://a"}}])
def test_both_servers_have_to_be_told(told):
    with pytest.raises(ValidationError):
        DifferenceOptions(**told)
