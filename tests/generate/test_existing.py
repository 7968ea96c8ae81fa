import asyncio
import json

import pytest

from builder.generate.existing import reading
from builder.generate.sampling import row_uuid
from builder.recipe.existing.look import looked_at
from builder.recipe.source_spec import SourceSpec
from tests.published import published_row


@pytest.fixture
def read(tmp_path):
    """Reads stage `stage` of rows that stand in a file of JSON Lines."""

    def of(stage, *rows):
        (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        source = looked_at(SourceSpec(dataset="set.jsonl"), tmp_path)
        do = reading(stage, source, tmp_path, "f1")

        async def all_rows():
            return [await do({"row": number, "uuid": f"u{number}"}) for number in range(len(rows))]

        return asyncio.run(all_rows())

    return of


def test_an_instruction_is_read_as_it_is(read):
    odd = "  What?\x00\u202e\U0001f600\r\n"

    assert read("instruct", published_row(3), published_row(4, instruction=odd)) == [
        {
            "row": 0,
            "uuid": "uuid-3",
            "temperature": 1.0,
            "top_p": 0.995,
            "seed": 1003,
            "instruction": "What is 3 plus 3, and why is it not 4?",
            "instruction_length": 38,
            "instruction_tokens": None,
            "instruction_finish_reason": None,
            "instruction_error": None,
        },
        {
            "row": 1,
            "uuid": "uuid-4",
            "temperature": 1.0,
            "top_p": 0.995,
            "seed": 1004,
            "instruction": odd,
            "instruction_length": 12,
            "instruction_tokens": None,
            "instruction_finish_reason": None,
            "instruction_error": None,
        },
    ]


def test_a_response_is_read_as_it_is(read):
    assert read("respond", published_row(3)) == [
        {
            "row": 0,
            "uuid": "u0",
            "response": "It is 6.",
            "response_length": 8,
            "response_tokens": None,
            "finish_reason": None,
            "response_error": None,
        }
    ]


def test_what_only_a_sampler_knows_is_read_from_sets_that_tell_it(read):
    ours = {"finish_reason": "length", "response_tokens": 7}
    (told,) = read("respond", published_row(1, **ours))
    assert (told["finish_reason"], told["response_tokens"]) == ("length", 7)

    (odd,) = read("respond", published_row(1, finish_reason="eos", response_tokens="many"))
    assert (odd["finish_reason"], odd["response_tokens"]) == (None, None)


def test_a_row_without_a_uuid_gets_one_of_its_own(read):
    first, second = read("instruct", published_row(1, uuid=None), published_row(2))

    assert (first["uuid"], second["uuid"]) == (row_uuid("f1", 0), "uuid-2")


@pytest.mark.parametrize(
    "turns",
    [
        {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]},
        {
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "Q"},
                {"role": "assistant", "content": "A"},
                {"role": "user", "content": "Q2"},
                {"role": "assistant", "content": "A2"},
            ]
        },
    ],
)
def test_turns_stand_in_for_columns_that_are_absent(read, turns):
    assert [row["instruction"] for row in read("instruct", turns)] == ["Q"]
    assert [row["response"] for row in read("respond", turns)] == ["A"]


def test_turns_of_others_are_none_of_them(read):
    turns = {"conversations": [{"from": "gpt", "value": "A"}, {"from": "human", "value": "Q"}]}
    (asked,), (answered,) = read("instruct", turns), read("respond", turns)

    assert asked["instruction_error"] == "the data set has no instruction here"
    assert answered["response_error"] == "the data set has no response here"
    assert "instruction" not in asked


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "the data set has no response here"),
        (" \n", "the response in the data set is empty"),
    ],
)
def test_a_row_that_lacks_its_text_says_why(read, value, why):
    lacking, whole = read("respond", published_row(0, response=value), published_row(1))

    assert lacking == {"row": 0, "uuid": "u0", "response_error": why}
    assert whole["response_error"] is None


def test_a_text_that_is_none_says_of_which_type_it_is(read):
    (row,) = read("instruct", published_row(0, instruction=12))

    assert row["instruction_error"] == "the instruction in the data set is no text but of type int"
