import asyncio
import json

import pytest

from builder.engines.base import Chunk, complete
from builder.engines.cut import cut_position
from builder.engines.scripted import ScriptedEngine
from tests.engines.subjects import params

PINNED = "Outline kites and maps in three steps."
PINNED_VALUE = '{"why": "Explain orchards and kites for a child.", "label": "poor"}'


def test_a_text_is_the_same_on_every_machine():
    completion = asyncio.run(complete(ScriptedEngine(), "<user>", params(1)))
    assert completion.text == PINNED
    assert completion.tokens == len(PINNED.split()) + 1  # the last token closes the turn


def test_the_trace_has_each_request_before_it_is_answered(tmp_path):
    trace = tmp_path / "trace.jsonl"

    async def work():
        engine = ScriptedEngine(trace=trace)
        stream = engine.stream("<user>", params(5))
        await anext(stream)
        seen = trace.read_text()
        await stream.aclose()
        await engine.close()
        return seen

    assert json.loads(asyncio.run(work())) == {"seed": 5, "prompt": "<user>"}


def test_it_has_the_habits_of_a_model():
    async def work():
        engine = ScriptedEngine()
        return [await complete(engine, "<user>", params(seed)) for seed in range(300)]

    found = asyncio.run(work())
    texts = [completion.text for completion in found]
    assert 0 < sum(completion.finish_reason == "length" for completion in found) < 30
    assert 0 < sum("\n" in text for text in texts) < 40
    assert 0 < texts.count("Tell me a joke.") < 30


class Pieces:
    slots = 1

    async def stream(self, prompt, params):
        for piece in prompt:
            yield Chunk(piece, 1)
        yield Chunk("", 1, "stop")

    async def close(self):
        pass


@pytest.mark.parametrize(
    ("pieces", "stops", "text", "tokens"),
    [
        (["one", " two"], (), "one two", 3),
        (["one<e", "nd>two"], ("<end>",), "one", 2),
        (["one<", "e", "n", "d", ">two"], ("<end>",), "one", 5),
        (["one\ntwo<end>"], ("<end>", "\n"), "one", 1),
        (["<end>"], ("<end>",), "", 1),
        (["one<en", "two"], ("<end>",), "one<entwo", 3),
    ],
)
def test_a_text_is_cut_at_its_first_stop(pieces, stops, text, tokens):
    completion = asyncio.run(complete(Pieces(), pieces, params(stop=stops)))
    assert (completion.text, completion.tokens, completion.finish_reason) == (text, tokens, "stop")


def test_a_cut_is_looked_for_only_where_it_can_be_new():
    assert cut_position("a|b|c", ("|",), 4) is None
    assert cut_position("a|b|c", ("|",), 3) == 3
    assert cut_position("a||", ("||",), 2) == 1


SCHEMA = {
    "type": "object",
    "properties": {
        "why": {"type": "string", "maxLength": 90},
        "label": {"type": "string", "enum": ["poor", "good"]},
    },
}


def judged(seeds):
    async def work():
        engine = ScriptedEngine()
        how = {"schema": json.dumps(SCHEMA)}
        return [await complete(engine, "<user>", params(seed, **how)) for seed in seeds]

    return asyncio.run(work())


def test_a_value_is_the_same_on_every_machine():
    (found,) = judged([1])
    assert found.text == PINNED_VALUE
    assert found.finish_reason == "stop"


def test_a_reply_breaks_off_now_and_then_and_says_so():
    found = judged(range(1000))
    broken = [one for one in found if one.finish_reason == "length"]
    assert 10 <= len(broken) <= 30
    for one in broken:
        with pytest.raises(ValueError, match="line 1"):
            json.loads(one.text)
    labels = {json.loads(one.text)["label"] for one in found if one not in broken}
    assert labels == {"poor", "good"}
