import time

import polars as pl
import pytest

from builder.errors import RecipeError
from builder.rows import INSTRUCT, RESPOND
from builder.select import rules
from builder.select.rules import screen_of
from tests.select.tiny_run import recipe, row


def frame(rows):
    asked = pl.DataFrame([record for record, _ in rows], schema=dict(INSTRUCT))
    answers = [answer for _, answer in rows if answer is not None]
    answered = pl.DataFrame(answers, schema=dict(RESPOND)).drop("uuid")
    return asked.join(answered, on="row", how="left", maintain_order="left")


ROWS = [
    row(0, "A whole one"),
    row(1, None),
    row(2, "hi"),
    row(3, "hi", instruction_finish_reason="length"),  # fails both: the first in the recipe counts
    row(4, "cut here", instruction_finish_reason="length"),
    row(5, "unknown end", instruction_finish_reason=None),  # null is not true
    row(6, "terse answer", "x"),
    row(7, "cut answer", "x", finish_reason="length"),
    row(8, "no answer", None),
    row(9, "broken answer", None, response_error="boom"),
]

INSTRUCTION_DROPS = [None, "failed", "short", "whole", "whole", "whole", None, None, None, None]
RESPONSE_DROPS = [None] * 6 + ["wordy", "complete", "unanswered", "failed"]


def test_first_failed_rule_in_recipe_order():
    screen = screen_of(recipe())
    assert screen.steps[0].drop(frame(ROWS)).to_list() == INSTRUCTION_DROPS
    assert screen.steps[1].drop(frame(ROWS)).to_list() == RESPONSE_DROPS


def test_many_rows_get_the_same_reasons_as_few():
    screen, times = screen_of(recipe()), rules.FEW
    many = pl.concat([frame(ROWS)] * times)
    assert screen.steps[0].drop(many).to_list() == INSTRUCTION_DROPS * times
    assert screen.steps[1].drop(many).to_list() == RESPONSE_DROPS * times


def test_one_row_with_the_columns_of_its_stage_only():
    record, _ = row(0, "hi")
    alone = pl.DataFrame([record], schema=dict(INSTRUCT))
    assert screen_of(recipe()).steps[0].drop(alone).item() == "short"


def test_no_rows():
    screen, none = screen_of(recipe()), frame(ROWS).head(0)
    assert screen.steps[0].drop(none).to_list() == []
    assert screen.steps[1].drop(none).dtype == pl.String


def test_no_rules_drop_only_what_failed():
    screen = screen_of(recipe(rules={"instruction": {}, "response": {}}))
    assert screen.steps[0].drop(frame(ROWS)).to_list() == [None, "failed"] + [None] * 8
    assert screen.steps[1].drop(frame(ROWS)).to_list()[-2:] == ["unanswered", "failed"]


def test_response_rules_see_the_instruction_too():
    longer = {"longer": "response_length > instruction_length"}
    screen = screen_of(recipe(rules={"instruction": {}, "response": longer}))
    drops = screen.steps[1].drop(frame([row(0, "abc", "abcd"), row(1, "abcd", "abc")]))
    assert drops.to_list() == [None, "longer"]


def test_a_rule_that_is_no_predicate_is_named():
    broken = recipe(rules={"instruction": {"odd": "instruction_length +"}, "response": {}})
    with pytest.raises(RecipeError, match="rule 'odd'"):
        screen_of(broken)


@pytest.mark.parametrize("times", [1, rules.FEW])
def test_a_rule_that_breaks_on_a_row_is_named(times):
    screen = screen_of(recipe())
    without = pl.concat([frame(ROWS)] * times).drop("instruction_length")
    with pytest.raises(RecipeError, match="rule 'short' cannot be computed on these rows"):
        screen.steps[0].drop(without)


def test_one_row_is_judged_in_far_less_time_than_it_is_sampled():
    record, _ = row(0, "Tell me a tale")
    alone = pl.DataFrame([record], schema=dict(INSTRUCT))
    six = {f"r{number}": f"instruction_length > {number}" for number in range(6)}
    screen = screen_of(recipe(rules={"instruction": six, "response": {}}))
    best = 1.0
    for _ in range(50):
        start = time.perf_counter()
        screen.steps[0].drop(alone)
        best = min(best, time.perf_counter() - start)
    assert best < 0.002
