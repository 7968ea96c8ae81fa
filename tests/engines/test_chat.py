"""`/v1/chat/completions` as an engine."""

import asyncio

import pytest

from builder.engines.base import Chunk, Completion, complete
from builder.engines.chat.engine import connect_chat
from builder.engines.chat.turns import chat_params, chat_prompt
from builder.engines.pool.pool import Pool
from builder.errors import (
    BrokenStreamError,
    EngineError,
    FailedGenerationError,
    OverloadedError,
    RowError,
    StalledError,
    UnavailableError,
)
from builder.recipe.engine_spec import DeadlinesSpec, OpenAIEngineSpec
from tests.engines.subjects import needs_llama
from tests.servers.faults import FaultPlan
from tests.servers.llama import llama_server
from tests.servers.scoring import guard, tei

LONGEST = 60.0
NAME = "meta-llama/Meta-Llama-Guard-2-8B"


def at(url, work, **keys):
    """What `work(engine)` returns, for an engine connected to `url`."""

    async def main():
        engine = await connect_chat(url, OpenAIEngineSpec(kind="openai", **keys))
        try:
            return await work(engine)
        finally:
            await engine.close()

    return asyncio.run(asyncio.wait_for(main(), LONGEST))


async def one(engine, text="Is {S1,S6} fine?"):
    return await complete(engine, chat_prompt([("user", text)]), chat_params(64))


async def info(engine):
    return engine.info.to_json()


def refused(url, **keys):
    with pytest.raises(EngineError) as caught:
        at(url, info, **keys)
    return caught.value


def test_turns_go_out_as_messages_and_the_answer_comes_whole():
    async def stream(engine):
        prompt = chat_prompt([("user", "Hi"), ("assistant", "Yes?"), ("user", "{S2} 🙂")])
        return [chunk async for chunk in engine.stream(prompt, chat_params(7))]

    with guard() as server:
        assert at(server.url, stream) == [Chunk("\n\nunsafe\nS2", 3, "stop")]
        assert server.requests[-1].body == {
            "model": NAME,
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Yes?"},
                {"role": "user", "content": "{S2} 🙂"},
            ],
            "max_tokens": 7,
            "temperature": 0.0,
            "stream": False,
        }


def test_the_model_is_the_first_one_listed_unless_the_recipe_names_one():
    with guard() as server:
        assert at(server.url, info) == {"model": NAME, "slots": 1024, "slots_told": False}
        error = refused(server.url, model="another/guard")
    assert "The model `another/guard` does not exist." in error.message
    assert "/v1/chat/completions" in error.mend


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_the_address_may_end_in_v1(end):
    with guard() as server:
        assert at(server.url + end, one) == Completion("\n\nunsafe\nS1,S6", 3, "stop")


def test_a_cut_answer_says_so():
    with guard() as server:
        done = at(server.url, lambda engine: one(engine, "{babbles}"))
    assert done.finish_reason == "length"


@needs_llama
def test_llama_cpp_answers_within_the_models_own_template():
    async def twice(engine):
        return [await one(engine, "How do I grow basil at home?") for _ in range(2)]

    with llama_server(2) as url:
        first, second = at(url, twice)
    assert first == second
    assert first.tokens > 1
    assert first.text
    assert "<|" not in first.text


@pytest.mark.parametrize("serve", [lambda: guard(chat=False), tei])
def test_a_server_without_chat_is_refused(serve):
    with serve() as server:
        error = refused(server.url)
    assert f"no chat model answers at {server.url}" in error.message
    assert "answered 404" in error.message


def test_a_key_is_sent_and_never_shown(monkeypatch):
    monkeypatch.setenv("GUARD_KEY", "open sesame")
    with guard(api_key="open sesame") as server:
        assert at(server.url, one, api_key_env="GUARD_KEY").text == "\n\nunsafe\nS1,S6"
        error = refused(server.url)
    assert "`api_key_env: NAME`" in error.mend
    assert "sesame" not in str(error)


def test_a_text_that_is_too_long_is_given_up():
    async def long(engine):
        with pytest.raises(RowError, match="maximum context length is 100"):
            await one(engine, "word " * 50)

    with guard(longest=100) as server:
        at(server.url, long)


FAULTS = {
    "overloaded": OverloadedError,
    "generation": FailedGenerationError,
    "unavailable": UnavailableError,
    "reset_before": UnavailableError,
    "reset_mid": BrokenStreamError,
    "stall_first": StalledError,
    "stall_between": StalledError,
    "garbage": BrokenStreamError,
    "cut_json": BrokenStreamError,
    "wrong_type": BrokenStreamError,
    "no_end": BrokenStreamError,
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_of_the_type_that_tells_the_pool_what_to_do(kind):
    async def ask(engine):
        with pytest.raises(FAULTS[kind]):
            await one(engine)

    # one that loses a kept connection is sent once more by itself
    struck = dict.fromkeys([1, 2] if kind == "reset_before" else [1], kind)
    with guard(FaultPlan(numbered=struck, seconds=5.0)) as server:
        at(server.url, ask, deadlines=DeadlinesSpec(whole=1.0))
        assert server.injected == {kind: len(struck)}


def test_a_pool_gets_every_answer_whatever_goes_wrong_in_between():
    mix = {"overloaded": 0.1, "reset_before": 0.05, "garbage": 0.05}

    async def ask(engine):
        pool = Pool(engine)
        prompts = [chat_prompt([("user", f"{{S{n}}}")]) for n in range(100)]
        asked = [pool.complete(prompt, chat_params(64)) for prompt in prompts]
        return [done.text for done in await asyncio.gather(*asked)]

    with guard(FaultPlan(mix=mix, seed=1, first=1)) as server:
        assert at(server.url, ask) == [f"\n\nunsafe\nS{n}" for n in range(100)]
        assert sum(server.injected.values()) > 10


def test_half_a_surrogate_pair_is_given_up_before_it_is_sent():
    with pytest.raises(RowError, match="cannot be sent"):
        chat_prompt([("user", "\ud83d")])
