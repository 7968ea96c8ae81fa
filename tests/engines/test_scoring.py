"""Rewards from servers: how they are found out, asked, and what goes wrong."""

import asyncio

import pytest

from builder.engines.base import complete
from builder.engines.pool.pool import Pool
from builder.engines.remote.errors import Where
from builder.engines.remote.http import Answer
from builder.engines.scoring.conversation import (
    SCORING,
    Conversation,
    score_in,
    scoring_prompt,
)
from builder.engines.scoring.engine import connect_scoring
from builder.engines.scoring.questions import score_of
from builder.engines.scoring.routes import TEXTS, TURNS
from builder.errors import (
    BrokenStreamError,
    EngineError,
    FailedGenerationError,
    OverloadedError,
    RowError,
    StalledError,
    UnavailableError,
    UsageError,
)
from builder.recipe.engine_spec import DeadlinesSpec, OpenAIEngineSpec
from tests.servers.faults import FaultPlan
from tests.servers.openai import VLLM, openai_server
from tests.servers.scoring import BEGIN, TEMPLATE, guard, logit, rendered, sglang, tei, vllm
from tests.servers.scoring.model import NOT_A_NUMBER

LONGEST = 60.0
ASKED, ANSWERED = "Why is the sky {response}?", "Because of {instruction} and 日本 🙂."
RIGHT = logit(rendered(ASKED, ANSWERED))
NAME = "sfairXC/FsfairX-LLaMA3-RM-v0.1"


def spec(**keys):
    return OpenAIEngineSpec(kind="openai", **keys)


def at(url, work, template=None, **keys):
    """What `work(engine)` returns, for an engine connected to `url`."""

    async def main():
        engine = await connect_scoring(url, spec(**keys), template)
        try:
            return await work(engine)
        finally:
            await engine.close()

    return asyncio.run(asyncio.wait_for(main(), LONGEST))


async def one(engine, instruction=ASKED, response=ANSWERED):
    return score_in((await complete(engine, scoring_prompt(instruction, response), SCORING)).text)


async def info(engine):
    return engine.info.to_json()


async def both(engine):
    return await one(engine), await info(engine)


def refused(url, template=None, **keys):
    """The error that connecting ends with."""
    with pytest.raises(EngineError) as caught:
        at(url, info, template, **keys)
    return caught.value


def test_vllm_is_sent_turns_and_gives_the_raw_score_of_a_pooled_model():
    with vllm() as server:
        score, found = at(server.url, both)
        last = server.requests[-1]
    assert score == RIGHT
    assert found == {
        "model": NAME,
        "route": "/classify with `messages`",
        "rendered_by": "the server",
        "raw": True,
        "each_token": False,
        "slots": 1024,
        "slots_told": False,
    }
    assert last.path == "/classify"
    assert last.body == {
        "model": NAME,
        "use_activation": False,
        "messages": [
            {"role": "user", "content": ASKED},
            {"role": "assistant", "content": ANSWERED},
        ],
    }


def test_an_older_vllm_calls_the_switch_otherwise():
    with vllm(switch="activation") as server:
        score, found = at(server.url, both)
        assert server.requests[-1].body["activation"] is False
    assert (score, found["raw"]) == (RIGHT, True)


def test_where_no_switch_changes_anything_that_is_said():
    with vllm(switch=None) as server:
        score, found = at(server.url, both)
        assert set(server.requests[-1].body) == {"model", "messages"}
    assert (score, found["raw"]) == (RIGHT, None)


def test_the_pooling_route_gives_a_pooled_score():
    with vllm(paths=("/pooling",)) as server:
        score, found = at(server.url, both)
    assert score == RIGHT
    assert (found["route"], found["each_token"]) == ("/pooling with `messages`", False)


def test_of_a_score_for_each_token_the_last_one_counts():
    with vllm(paths=("/pooling",), each_token=True) as server:
        score, found = at(server.url, both)
    assert score == RIGHT
    assert found["each_token"] is True


def test_tei_is_sent_the_text_of_the_template_and_never_cuts_it():
    with tei(slots=77) as server:
        score, found = at(server.url, both, TEMPLATE)
        last = server.requests[-1]
    assert score == RIGHT
    assert last.body == {
        "inputs": rendered(ASKED, ANSWERED).removeprefix(BEGIN),
        "raw_scores": True,
        "truncate": False,
    }
    assert found == {
        "model": NAME,
        "route": "/predict with `inputs`",
        "rendered_by": "the recipe's template",
        "raw": True,
        "each_token": False,
        "slots": 77,
        "slots_told": True,
    }


def test_sglang_is_asked_on_its_own_route():
    with sglang() as server:
        score, found = at(server.url, both, TEMPLATE)
        assert set(server.requests[-1].body) == {"model", "text"}
    assert score == RIGHT
    assert found["route"] == "/classify with `text`"
    assert found["model"] == "Skywork/Skywork-Reward-Llama-3.1-8B-v0.2"


def test_a_vllm_without_a_chat_template_takes_the_recipes():
    with vllm(messages=False) as server:
        score, found = at(server.url, both, TEMPLATE)
    assert score == RIGHT
    assert found["route"] == "/classify with `input`"


@pytest.mark.parametrize("serve", [tei, sglang, lambda: vllm(messages=False)])
def test_a_server_of_texts_needs_a_template_and_an_example_is_given(serve):
    with serve() as server:
        error = refused(server.url)
    assert "does not put the reward model's chat template around" in error.message
    assert "{instruction}<|eot_id|><|start_header_id|>assistant" in error.mend
    assert "begin_of_text" not in error.mend


@pytest.mark.parametrize("serve", [tei, lambda: vllm(messages=False)])
def test_a_begin_of_text_token_that_is_doubled_is_refused(serve):
    with serve() as server:
        error = refused(server.url, BEGIN + TEMPLATE)
    assert error.mend == "Take it out of the template."


@pytest.mark.parametrize(
    ("serve", "template"),
    [(lambda: vllm(labels=3), None), (lambda: tei(kind="classifier", labels=3), TEMPLATE)],
)
def test_a_model_with_several_outputs_is_refused(serve, template):
    with serve() as server:
        error = refused(server.url, template)
    assert "has 3 outputs, and a reward is one number" in error.message


def test_a_softmax_over_one_output_is_noticed():
    with vllm(switch=None, softmax=True) as server:
        error = refused(server.url)
    assert error.message == f"{server.url} gives every answer the same score, 1.0"


@pytest.mark.parametrize("template", [None, TEMPLATE])
@pytest.mark.parametrize(
    "serve", [lambda: tei(kind="embedding"), guard, lambda: openai_server(VLLM)]
)
def test_a_server_of_something_else_is_refused_with_what_it_said(serve, template):
    with serve() as server:
        error = refused(server.url, template)
    assert f"{server.url} has no route that scores a conversation" in error.message
    assert f"\n  /predict with `inputs`: {server.url} answered 4" in error.message
    assert "--runner pooling" in error.mend


def test_a_model_that_the_server_does_not_have_is_named():
    with vllm() as server:
        error = refused(server.url, model="another/model")
    assert "The model `another/model` does not exist." in error.message


def test_the_recipes_name_for_the_model_counts():
    with tei() as server:
        assert at(server.url, info, TEMPLATE, model="my reward model")["model"] == "my reward model"


def test_of_a_path_only_the_end_is_told():
    with vllm(model="/data/models/rm-8b") as server:
        assert at(server.url, info)["model"] == "rm-8b"
        assert server.requests[-1].body["model"] == "/data/models/rm-8b"


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_the_address_may_end_in_v1(end):
    with vllm() as server:
        assert at(server.url + end, one) == RIGHT


def test_a_server_that_is_not_there_is_an_engine_error(monkeypatch):
    monkeypatch.setattr("builder.engines.remote.asking.FIRST_PAUSE", 0.0)
    with vllm() as server:
        url = server.url
    assert "cannot be reached" in refused(url).message


def test_a_key_is_sent_and_never_shown(monkeypatch):
    monkeypatch.setenv("REWARD_KEY", "open sesame")
    with vllm(api_key="open sesame") as server:
        assert at(server.url, one, api_key_env="REWARD_KEY") == RIGHT
        missing = refused(server.url)
        monkeypatch.setenv("REWARD_KEY", "shut sesame")
        wrong = refused(server.url, api_key_env="REWARD_KEY")
    assert "`api_key_env: NAME`" in missing.mend
    assert "REWARD_KEY" in wrong.mend
    assert "sesame" not in str(missing) + str(wrong)


def test_what_is_no_address_is_a_usage_error():
    with pytest.raises(UsageError):
        at("localhost:8081", info)


@pytest.mark.parametrize(
    ("serve", "template", "said"),
    [
        (lambda: vllm(context=40), None, "400: This model's maximum context length is 40 tokens"),
        (lambda: tei(context=40), TEMPLATE, "413 (Validation): `inputs` must have less than 40"),
    ],
)
def test_a_text_that_is_too_long_is_given_up_and_not_cut(serve, template, said):
    async def long(engine):
        with pytest.raises(RowError) as caught:
            await one(engine, "word " * 50)
        return caught.value.message, await one(engine)

    with serve() as server:
        message, score = at(server.url, long, template)
    assert said in message
    assert score == RIGHT


@pytest.mark.parametrize(("serve", "template"), [(vllm, None), (tei, TEMPLATE)])
def test_a_score_that_is_no_number_is_given_up_at_once(serve, template):
    async def ask(engine):
        with pytest.raises(RowError, match="a score that is no finite number"):
            await one(engine, NOT_A_NUMBER)

    with serve() as server:
        at(server.url, ask, template)


@pytest.mark.parametrize("score", ["NaN", "Infinity", "-Infinity", "1e999", "null", "true"])
@pytest.mark.parametrize(
    ("route", "body"),
    [
        (TURNS[0], '{"data": [{"probs": [%s]}]}'),
        (TURNS[1], '{"data": [{"data": [[0.5], [%s]]}]}'),
        (TEXTS[0], '[{"score": %s, "label": "LABEL_0"}]'),
        (TEXTS[1], '{"embedding": [%s]}'),
    ],
)
def test_what_is_no_finite_number_is_no_score(route, body, score):
    answer = Answer(200, {}, (body % score).encode())
    with pytest.raises(RowError, match="as a score, which is no finite number"):
        score_of(answer, route, Where("http://there"))


@pytest.mark.parametrize("route", [*TURNS, *TEXTS])
@pytest.mark.parametrize("body", ["", "{", "null", "[]", "{}", "[7]", '{"data": [{}]}', '"a"'])
def test_what_is_no_answer_of_the_route_is_asked_for_again(route, body):
    with pytest.raises(BrokenStreamError, match="sent what is no score"):
        score_of(Answer(200, {}, body.encode()), route, Where("http://there"))


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
"""Kind of fault -> what one request makes of it."""


def struck_at(kind, number):
    """Request number -> kind. One that loses a kept connection is sent once more by itself."""
    return dict.fromkeys([number, number + 1][: 1 + (kind == "reset_before")], kind)


@pytest.mark.parametrize(("serve", "template"), [(vllm, None), (tei, TEMPLATE)])
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_of_the_type_that_tells_the_pool_what_to_do(kind, serve, template):
    async def ask(engine):
        with pytest.raises(FAULTS[kind]):
            await one(engine)

    struck = struck_at(kind, 5 if serve is vllm else 3)
    deadlines = DeadlinesSpec(first_token=1.0)
    with serve(FaultPlan(numbered=struck, seconds=5.0)) as server:
        at(server.url, ask, template, deadlines=deadlines)
        assert server.injected == {kind: len(struck)}


def test_a_pool_gets_every_score_whatever_goes_wrong_in_between():
    mix = {"overloaded": 0.1, "reset_before": 0.05, "reset_mid": 0.05, "garbage": 0.05}
    texts = [f"text number {number}" for number in range(200)]

    async def ask(engine):
        pool = Pool(engine)
        asked = [pool.complete(scoring_prompt("Why?", text), SCORING) for text in texts]
        return [score_in(done.text) for done in await asyncio.gather(*asked)], pool.tokens

    with vllm(FaultPlan(mix=mix, seed=3, first=10)) as server:
        scores, counted = at(server.url, ask)
        assert sum(server.injected.values()) > 20
    assert scores == [logit(rendered("Why?", text)) for text in texts]
    assert counted == 200


def test_half_a_surrogate_pair_is_given_up_before_it_is_sent():
    with pytest.raises(RowError, match="surrogates not allowed at 4"):
        scoring_prompt("Why \ud83d?", "Because.")


@pytest.mark.parametrize("text", ["", "a\0b", "\u202eشكرا", "🙂" * 9, "{instruction}\n\\"])
def test_any_other_text_reaches_the_model_as_it_is(text):
    with vllm() as server:
        assert at(server.url, lambda engine: one(engine, "?", text)) == logit(rendered("?", text))


def test_slots_inside_of_our_own_texts_stay_as_they_are():
    conversation = Conversation("{response}", "{instruction}")
    assert conversation.rendered("{instruction}|{response}|") == "{response}|{instruction}|"
