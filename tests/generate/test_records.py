import asyncio

import pytest

from builder.engines.base import Chunk
from builder.engines.pool.pool import Pool
from builder.errors import EngineError, RowError
from builder.generate.instruct import Instruct
from builder.generate.respond import Respond
from builder.generate.sampling import row_seed, row_uuid, sweep_point
from builder.rows import INSTRUCT, RESPOND
from tests.generate.bench import TEMPLATE, recipe


class Says:
    slots = 1

    def __init__(self, *said, tokens=5, finish="stop", error=None):
        self.asked = []
        self._said, self._tokens, self._finish, self._error = said, tokens, finish, error

    async def stream(self, prompt, params):
        self.asked.append((prompt, params))
        if self._error:
            raise self._error
        for text in self._said:
            yield Chunk(text, self._tokens)
        yield Chunk("", 1, self._finish)

    async def close(self):
        pass


def instruct(engine, row=4, **changes):
    spec = recipe(instruction=recipe().instruction.model_dump() | changes).instruction
    return asyncio.run(Instruct(Pool(engine, 1), TEMPLATE, spec, 7, "f1").row({"row": row}))


def respond(engine, record, **changes):
    spec = recipe(response={"max_tokens": 9} | changes).response
    return asyncio.run(Respond(Pool(engine, 1), TEMPLATE, spec, 7).row(record))


def test_an_instruction_with_all_that_it_was_sampled_with():
    engine = Says("  How ", "now?\n")
    point = sweep_point(7, 4, recipe().instruction.sweep)
    assert instruct(engine) == {
        "row": 4,
        "uuid": row_uuid("f1", 4),
        "temperature": point.temperature,
        "top_p": point.top_p,
        "seed": row_seed(7, 4, "instruct"),
        "instruction": "How now?",
        "instruction_length": 8,
        "instruction_tokens": 11,
        "instruction_finish_reason": "stop",
        "instruction_error": None,
    }
    [(prompt, params)] = engine.asked
    assert prompt == "<u>"
    assert (params.max_tokens, params.stop) == (40, ("</u>",))
    assert params.seed == row_seed(7, 4, "instruct")


def test_a_record_has_the_columns_of_its_stage_in_their_order():
    record = instruct(Says("Why?"))
    assert list(record) == list(INSTRUCT)
    assert list(respond(Says("So."), record)) == list(RESPOND)


def test_an_instruction_ends_at_its_first_line_where_the_recipe_says_so():
    record = instruct(Says("One\nTwo"), stop_at_newline=True)
    assert (record["instruction"], record["instruction_tokens"]) == ("One", 5)
    assert instruct(Says("One\nTwo"))["instruction"] == "One\nTwo"


def test_a_turn_that_is_closed_without_a_word_is_given_up():
    record = instruct(Says(" \n", "</u>"))
    assert (record["instruction"], record["instruction_length"], record["instruction_tokens"]) == (
        None,
        0,
        10,
    )
    assert record["instruction_error"] == "the model closed its turn without a word"


def test_a_text_that_the_limit_cut_says_so():
    assert instruct(Says("How", finish="length"))["instruction_finish_reason"] == "length"


def test_halves_of_characters_become_whole_or_are_marked():
    record = instruct(Says("a \ud83d", "\ude42 b \ud83d c"))
    assert record["instruction"] == "a 🙂 b � c"
    assert record["instruction_length"] == 9
    assert instruct(Says("\ufeffdär"))["instruction"] == "\ufeffdär"


def test_a_row_that_the_engine_gives_up_is_a_record_with_the_reason():
    record = instruct(Says(error=RowError("too long")))
    assert record["instruction_error"] == "too long"
    assert set(record) == {"row", "uuid", "temperature", "top_p", "seed", "instruction_error"}


def test_an_engine_that_cannot_go_on_is_no_record():
    with pytest.raises(EngineError, match=r"^dead$"):
        instruct(Says(error=EngineError("dead")))


def test_a_response_is_asked_for_with_the_whole_template():
    engine = Says("So ", "it is. ")
    record = {"row": 4, "uuid": "u4", "instruction": "How now?"}
    assert respond(engine, record, temperature=0.5, top_p=0.9) == {
        "row": 4,
        "uuid": "u4",
        "response": "So it is.",
        "response_length": 9,
        "response_tokens": 11,
        "finish_reason": "stop",
        "response_error": None,
    }
    [(prompt, params)] = engine.asked
    assert prompt == "<u>How now?</u><a>"
    assert (params.temperature, params.top_p, params.max_tokens) == (0.5, 0.9, 9)
    assert (params.stop, params.seed) == (("</u>",), row_seed(7, 4, "respond"))


def test_a_response_that_is_given_up_keeps_its_reason():
    record = {"row": 4, "uuid": "u4", "instruction": "How now?"}
    assert respond(Says(error=RowError("no")), record) == {
        "row": 4,
        "uuid": "u4",
        "response_error": "no",
    }
