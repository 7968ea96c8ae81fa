"""What the servers of rewards and of Llama-Guard answer, by plain HTTP."""

import pytest

from tests.servers.asking import ask
from tests.servers.faults import FaultPlan
from tests.servers.scoring import BEGIN, TEMPLATE, guard, logit, rendered, sglang, tei, vllm
from tests.servers.scoring.model import NOT_A_NUMBER, sigmoid

TEXT = rendered("Why?", "Because.").removeprefix(BEGIN)
RAW = logit(BEGIN + TEXT)
TURNS = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]


def test_all_agree_on_the_score_of_a_text():
    with vllm() as one, tei() as two, sglang() as three:
        raw = {"use_activation": False}
        turns = ask(f"{one.url}/classify", {"messages": TURNS, **raw}).json
        text = ask(f"{one.url}/pooling", {"input": TEXT, **raw}).json
        predicted = ask(f"{two.url}/predict", {"inputs": TEXT, "raw_scores": True}).json
        embedded = ask(f"{three.url}/classify", {"text": TEXT}).json
    assert turns["data"] == [{"index": 0, "label": "LABEL_0", "probs": [RAW], "num_classes": 1}]
    assert text["data"] == [{"index": 0, "object": "pooling", "data": [RAW]}]
    assert predicted == [{"score": RAW, "label": "LABEL_0"}]
    assert embedded["embedding"] == [RAW]


def test_without_a_word_about_it_an_activation_is_applied():
    with vllm() as one, tei() as two:
        classified = ask(f"{one.url}/classify", {"messages": TURNS}).json
        predicted = ask(f"{two.url}/predict", {"inputs": TEXT}).json
    assert classified["data"][0]["probs"] == [sigmoid(RAW)]
    assert predicted[0]["score"] == sigmoid(RAW)


def test_teis_predictions_come_highest_first():
    with tei(kind="classifier", labels=5) as server:
        found = ask(f"{server.url}/predict", {"inputs": TEXT, "raw_scores": True}).json
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)
    assert {one["label"] for one in found} == {f"LABEL_{number}" for number in range(5)}


@pytest.mark.parametrize(
    ("body", "fault", "refusal"),
    [
        ({"inputs": "word " * 50, "truncate": False}, None, (413, "Validation")),
        ({"inputs": NOT_A_NUMBER}, None, (424, "Backend")),
        ({"inputs": TEXT}, "generation", (424, "Backend")),
        ({"inputs": TEXT}, "overloaded", (429, "Overloaded")),
        ({"inputs": TEXT}, "unavailable", (503, "Unhealthy")),
    ],
)
def test_tei_refuses_in_its_own_words(body, fault, refusal):
    plan = FaultPlan(numbered={0: fault}) if fault else None
    with tei(plan, context=40) as server:
        status, kind, words = ask(f"{server.url}/predict", body).refusal
    assert (status, kind) == refusal
    assert words


def test_tei_cannot_read_a_body_without_inputs():
    with tei() as server:
        reply = ask(f"{server.url}/predict", {"text": TEXT})
    assert (reply.status, reply.text.endswith("missing field `inputs`")) == (422, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"input": "word " * 50}, 400),
        ({"text": TEXT}, 400),
        ({"input": TEXT, "model": "another"}, 404),
        ({"input": NOT_A_NUMBER, "use_activation": False}, 500),
    ],
)
def test_vllm_refuses_in_its_own_words(body, status):
    with vllm(context=40) as server:
        reply = ask(f"{server.url}/classify", body)
    assert reply.status == status
    if status != 500:
        assert reply.json["error"]["code"] == status


def test_a_begin_of_text_token_is_put_in_front_of_a_text_and_may_stand_there_twice():
    with vllm() as one, tei() as two:
        told = ask(f"{one.url}/tokenize", {"prompt": BEGIN + TEMPLATE}).json["tokens"]
        listed = ask(f"{two.url}/tokenize", {"inputs": TEMPLATE}).json[0]
    assert told[:2] == [128_000, 128_000]
    assert [one["id"] for one in listed[:2]] == [128_000, told[2]]


def test_llama_guard_says_its_verdict_within_a_chat():
    with guard() as server:
        body = {"model": server.how["model"], "temperature": 0, "messages": TURNS[:1]}
        choice = ask(f"{server.url}/v1/chat/completions", body).json["choices"][0]
        wrong = [TURNS[0], TURNS[0]]
        refused = ask(f"{server.url}/v1/chat/completions", {**body, "messages": wrong})
    assert choice["message"]["content"] == "\n\nsafe"
    assert choice["finish_reason"] == "stop"
    assert refused.status == 400
