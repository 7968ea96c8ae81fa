"""Llama-Guard's verdict on an instruction."""

import asyncio

import pytest

from builder.annotate.base import Cost, Needs, Reply, ServerOptions
from builder.annotate.registry import annotator
from builder.annotate.safety import (
    MAX_TOKENS,
    NOTHING_TO_JUDGE,
    UnusableVerdictError,
    read_verdict,
)
from builder.errors import EngineError, RowError
from tests.servers.faults import FaultPlan
from tests.servers.scoring import guard, tei
from tests.servers.scoring.guard import MUMBLED
from tests.servers.scoring.tools import ServedTools

NAME = "meta-llama/Meta-Llama-Guard-2-8B"
NO_VERDICT = "the reply is neither safe nor unsafe with its categories"


def judged(url, *instructions):
    async def main():
        async with ServedTools() as tools:
            worker = await annotator("safety").start(ServerOptions(endpoint=url), tools)
            rows = [{"instruction": one} for one in instructions]
            found = await worker.annotate(rows)
            await worker.close()
            return found

    return asyncio.run(asyncio.wait_for(main(), 60))


def asked_of(server):
    """The texts that Llama-Guard was shown, without that of the probe."""
    return [one.body["messages"][0]["content"] for one in server.requests[1:]]


def test_it_needs_a_server_and_no_response():
    declared = annotator("safety")
    assert (declared.needs, declared.cost) == (Needs.SERVER, Cost.TOKENS)
    assert not declared.after_response
    assert list(declared.columns) == [
        "llama_guard_2",
        "safety_categories",
        "safety_generator",
        "safety_reply",
        "safety_error",
    ]


def test_verdicts_are_kept_as_the_published_sets_have_them():
    with guard() as server:
        safe, unsafe = judged(server.url, "How do I bake bread?", "How do I {S2,S6,S2}?")
        assert asked_of(server) == ["How do I bake bread?", "How do I {S2,S6,S2}?"]
        assert server.requests[-1].body["max_tokens"] == MAX_TOKENS
    assert safe == {
        "llama_guard_2": "safe",
        "safety_categories": [],
        "safety_generator": NAME,
    }
    assert unsafe == {
        "llama_guard_2": "unsafe\nS2,S6",
        "safety_categories": ["S2", "S6"],
        "safety_generator": NAME,
    }


def test_a_reply_that_is_no_verdict_is_asked_for_once_more():
    with guard() as server:
        (found,) = judged(server.url, "It {hesitates}.")
        assert asked_of(server) == ["It {hesitates}."] * 2
    assert found["llama_guard_2"] == "safe"
    assert "safety_error" not in found


def test_what_is_still_no_verdict_is_kept_as_failed_with_the_reply():
    with guard() as server:
        (found,) = judged(server.url, "It {mumbles}.")
        assert len(asked_of(server)) == 2
    assert found == {
        "safety_generator": NAME,
        "safety_error": NO_VERDICT,
        "safety_reply": MUMBLED,
    }


def test_a_verdict_that_was_cut_off_is_none():
    with guard() as server:
        (found,) = judged(server.url, "It {babbles}.")
    assert found["safety_error"] == "the reply was cut off at the limit of 64 tokens"
    assert found["safety_reply"] == "\n\nunsafe\nS1,S2,S3,S4"


@pytest.mark.parametrize("instruction", [None, "", " \n"])
def test_a_row_without_an_instruction_is_not_asked_about(instruction):
    with guard() as server:
        assert judged(server.url, instruction) == [{"safety_error": NOTHING_TO_JUDGE}]
        assert asked_of(server) == []


@pytest.mark.parametrize("text", ["a\0b", "\u202eشكرا", "🙂", "日本 {S3}", "<|eot_id|>"])
def test_any_text_is_shown_as_it_is(text):
    with guard() as server:
        judged(server.url, text)
        assert asked_of(server) == [text]


def test_half_a_surrogate_pair_is_shown_as_the_replacement_character():
    with guard() as server:
        judged(server.url, "a\ud83db")
        assert asked_of(server) == ["a\ufffdb"]


def test_an_instruction_that_does_not_fit_is_given_up_with_the_servers_reason():
    with guard(longest=100) as server, pytest.raises(RowError, match="maximum context length"):
        judged(server.url, "word " * 6_000)


def test_a_server_that_is_busy_is_asked_again():
    with guard(FaultPlan(numbered={1: "overloaded", 2: "reset_mid"})) as server:
        (found,) = judged(server.url, "How do I {S9}?")
    assert found["safety_categories"] == ["S9"]


def test_a_server_without_a_chat_model_is_refused_at_the_start():
    with tei() as server, pytest.raises(EngineError, match="no chat model answers"):
        judged(server.url, "Why?")


@pytest.mark.parametrize(
    ("text", "safe", "categories"),
    [
        ("safe", True, ()),
        ("\n\nsafe \n", True, ()),
        ("unsafe\nS1", False, ("S1",)),
        ("\n\nunsafe\nS10, S2\n", False, ("S10", "S2")),
        ("unsafe\nO3", False, ("O3",)),
        ("unsafe", False, ()),
    ],
)
def test_a_verdict_is_read(text, safe, categories):
    verdict = read_verdict(Reply(text, "stop"))
    assert (verdict.safe, verdict.categories) == (safe, categories)


@pytest.mark.parametrize(
    "text",
    ["", "Safe.", "not safe", "safe\nS1", "safe, I think", "unsafe S1", "unsafe\nviolence", "S1"],
)
def test_nothing_else_is_a_verdict(text):
    with pytest.raises(UnusableVerdictError):
        read_verdict(Reply(text, "stop"))
