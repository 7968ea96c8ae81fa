"""What every engine promises. A new one is added to the parameters of `subject`."""

import asyncio
import json

import pytest

from builder.engines.base import Constrains, complete
from builder.errors import EngineError
from tests.engines.subjects import TEMPLATE, UNHELD, Subject, needs_llama, params
from tests.servers.schema import faults

PROMPT = TEMPLATE.pre_query

LABELS = ["very poor", "poor", "average", "good", "excellent"]
VERDICT = {
    "type": "object",
    "properties": {
        "why": {"type": "string", "maxLength": 60},
        "label": {"type": "string", "enum": LABELS},
        "also": {"type": "array", "items": {"type": "string", "enum": LABELS}, "maxItems": 2},
    },
    "required": ["why", "label", "also"],
    "additionalProperties": False,
}
"""The keys are in no alphabetical order."""
JUDGE = TEMPLATE.response_prompt("Rate this: «Wie groß ist 日本?»")


KINDS = [
    "scripted",
    pytest.param("embedded", marks=needs_llama),
    pytest.param("openai", marks=needs_llama),
    "openai-vllm",
    "openai-sglang",
    "openai-strict",
    "openai-tgi",
    "openai-processes",
    "tgi",
    "tgi-processes",
    pytest.param("tgi-demo", marks=needs_llama),
]


@pytest.fixture(params=KINDS)
def subject(request):
    return Subject(request.param)


async def completions(engine, seeds, **changes):
    asked = (complete(engine, PROMPT, params(seed, **changes)) for seed in seeds)
    return await asyncio.gather(*asked)


async def one_after_the_other(engine, seeds):
    return [await complete(engine, PROMPT, params(seed)) for seed in seeds]


def test_the_last_chunk_and_only_that_has_a_finish_reason(subject):
    async def work(engine):
        return [[chunk async for chunk in engine.stream(PROMPT, params(seed))] for seed in range(4)]

    for chunks in subject.run(work):
        reasons = [chunk.finish_reason for chunk in chunks]
        assert reasons[:-1] == [None] * (len(chunks) - 1)
        assert reasons[-1] in ("stop", "length")


def test_a_completion_is_all_that_its_chunks_are(subject):
    async def work(engine):
        chunks = [chunk async for chunk in engine.stream(PROMPT, params(3))]
        return chunks, await complete(engine, PROMPT, params(3))

    chunks, whole = subject.run(work)
    assert whole.tokens == sum(chunk.tokens for chunk in chunks) > 0
    assert "".join(chunk.text for chunk in chunks).startswith(whole.text)


def test_a_completion_in_one_piece_is_the_streamed_one(subject):
    async def work(engine):
        streamed = await completions(engine, range(20, 28))
        return streamed, await completions(engine, range(20, 28), whole=True)

    streamed, whole = subject.run(work)
    assert [(c.text, c.finish_reason) for c in whole] == [
        (c.text, c.finish_reason) for c in streamed
    ]


def test_the_token_limit_is_kept_and_told(subject):
    found = subject.run(lambda engine: completions(engine, range(6), max_tokens=3))
    assert {completion.finish_reason for completion in found} == {"length"}
    assert {completion.tokens for completion in found} == {3}


def test_a_model_that_closes_its_turn_stops(subject):
    found = subject.run(lambda engine: completions(engine, range(12), max_tokens=300))
    assert "stop" in {completion.finish_reason for completion in found}


def test_the_same_seed_gives_the_same_text_whatever_else_is_in_flight(subject):
    seeds = range(100, 124)
    alone = subject.run(lambda engine: one_after_the_other(engine, seeds))
    crowded = subject.run(lambda engine: completions(engine, seeds), slots=7)
    assert alone == crowded


def test_different_seeds_give_different_texts(subject):
    found = subject.run(lambda engine: completions(engine, range(12)))
    assert len({completion.text for completion in found}) >= 10


def test_greedy_sampling_ignores_the_seed(subject):
    found = subject.run(lambda engine: completions(engine, range(5), temperature=0.0))
    assert len(set(found)) == 1


def test_a_stop_string_cuts_even_in_the_middle_of_a_token(subject):
    async def work(engine):
        whole = (await complete(engine, PROMPT, params(7))).text
        stop = whole[len(whole) // 2 :][:3]
        return whole, stop, await complete(engine, PROMPT, params(7, stop=(stop, "\x00")))

    whole, stop, cut = subject.run(work)
    assert len(stop) == 3
    assert cut.text == whole[: whole.index(stop)]
    assert cut.finish_reason == "stop"


def test_no_mark_of_a_turn_is_left_in_a_text(subject):
    found = subject.run(lambda engine: completions(engine, range(30)))
    marks = (TEMPLATE.bos, *TEMPLATE.stops)
    assert [c.text for c in found if any(mark in c.text for mark in marks)] == []


def test_a_stream_that_is_closed_early_leaves_the_engine_usable(subject):
    async def work(engine):
        before = await complete(engine, PROMPT, params(1))
        untouched = engine.stream(PROMPT, params(2))
        await untouched.aclose()
        begun = engine.stream(PROMPT, params(3))
        await anext(begun)
        await begun.aclose()
        cancelled = asyncio.create_task(complete(engine, PROMPT, params(4)))
        await asyncio.sleep(0)  # lets it send its request
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        return before, await complete(engine, PROMPT, params(1))

    before, after = subject.run(work)
    assert before == after


def test_more_requests_than_slots_are_all_answered(subject):
    found = subject.run(lambda engine: completions(engine, range(60)), slots=3)
    assert len(found) == 60
    assert all(completion.tokens > 0 for completion in found)


def test_closing_twice_is_fine_and_nothing_is_served_afterwards(subject):
    async def work(engine):
        await complete(engine, PROMPT, params())
        await engine.close()
        await engine.close()
        with pytest.raises(EngineError, match=r"^the engine is closed$"):
            await complete(engine, PROMPT, params())

    subject.run(work)


def test_an_engine_that_was_never_asked_can_be_closed(subject):
    subject.run(lambda engine: engine.close())


def test_closing_ends_streams_in_flight_with_an_error(subject):
    async def work(engine):
        tasks = [asyncio.create_task(complete(engine, PROMPT, params(s))) for s in range(200)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await engine.close()
        return await asyncio.gather(*tasks, return_exceptions=True)

    how = {"delay": 0.01} if subject.kind == "scripted" else {}
    ends = subject.run(work, slots=2, **how)
    errors = [end for end in ends if isinstance(end, BaseException)]
    assert 0 < len(errors) < 200
    assert {type(error) for error in errors} == {EngineError}


def test_characters_beyond_ascii_survive_whole(subject):
    async def work(engine):
        prompt = TEMPLATE.response_prompt("Wie groß ist «Übermut»? 日本 🙂")
        answer = await complete(engine, prompt, params(5))
        return [answer, *await completions(engine, range(40))]

    texts = [completion.text for completion in subject.run(work)]
    assert [text for text in texts if "�" in text] == []
    if subject.kind in ("embedded", "openai", "tgi-demo"):  # it speaks some Spanish and German
        assert [text for text in texts if not text.isascii()] != []


async def verdicts(engine, seeds, **changes):
    """Completions that are asked for with a schema, all at once."""
    how = {"schema": json.dumps(VERDICT), "max_tokens": 300, "temperature": 1.5, **changes}
    asked = (complete(engine, JUDGE, params(seed, **how)) for seed in seeds)
    return await asyncio.gather(*asked)


def misfit(text):
    """What is wrong with a verdict."""
    try:
        value = json.loads(text)
    except ValueError:
        return [f"no JSON: {text}"]
    found = faults(value, VERDICT, {})
    if list(value) != list(VERDICT["properties"]):
        found.append(f"keys in the order {list(value)}")
    return found + [text for text in (value["why"],) if len(text) > 60]


def test_an_engine_says_whether_it_can_be_held_to_a_schema(subject):
    async def work(engine):
        return isinstance(engine, Constrains) and engine.constrained

    assert subject.run(work) is (subject.kind not in UNHELD)


def test_what_is_held_to_a_schema_fits_it_whatever_else_is_in_flight(subject):
    async def work(engine):
        asked = verdicts(engine, range(40)), verdicts(engine, range(20), whole=True)
        return await asyncio.gather(*asked, completions(engine, range(8)))

    held, whole, free = subject.run(work, slots=4)
    ended = [completion.text for completion in held if completion.finish_reason == "stop"]
    if subject.kind in UNHELD:
        assert [text for text in ended if misfit(text)] != []
    else:
        assert [misfit(text) for text in ended if misfit(text)] == []
        assert len(ended) >= 36  # a limit may cut a few, and the scripted author breaks some off
        assert len(set(ended)) > 20
    assert whole == held[:20]
    assert free == subject.run(lambda engine: completions(engine, range(8)))


def test_a_limit_cuts_what_is_held_to_a_schema_and_is_told(subject):
    found = subject.run(lambda engine: verdicts(engine, range(5), max_tokens=2))
    assert {completion.finish_reason for completion in found} == {"length"}
    if subject.kind not in UNHELD:
        assert [one.text for one in found if not one.text.startswith("{")] == []


def test_what_is_no_schema_is_no_fault_of_a_row(subject):
    async def work(engine):
        with pytest.raises(EngineError, match=r"^a schema is no JSON"):
            await verdicts(engine, [1], schema="{")

    if subject.kind not in UNHELD:
        subject.run(work)
