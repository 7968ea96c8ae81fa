import json

import pytest

from builder.annotate.base import Reply
from builder.annotate.category import ANNOTATOR as CATEGORY
from builder.annotate.difficulty import ANNOTATOR as DIFFICULTY
from builder.annotate.judging.worker import NOTHING_TO_JUDGE, PROMPTS
from builder.annotate.quality import ANNOTATOR as QUALITY
from builder.errors import RowError
from tests.annotate.judging_scripted import ScriptedJudge, judged, judged_once

GOOD = '{"explanation": "Clear.", "input_quality": "good"}'
JUDGED = {
    "quality_explanation": "Clear.",
    "input_quality": "good",
    "quality_generator": "a judge",
}
NO_OBJECT = "the reply holds no whole JSON object with the keys that were asked for"


def test_a_judge_that_can_be_held_to_a_schema_is_asked_greedily_with_it():
    judge = ScriptedJudge(GOOD)
    assert judged(QUALITY, judge, "Name a river.") == [JUDGED]
    [question] = judge.asked
    prompt = (PROMPTS / "quality.txt").read_text(encoding="utf-8").strip()
    assert question.text == prompt.replace("{instruction}", "Name a river.")
    assert (question.prefill, question.temperature, question.max_tokens) == ("", 0.0, 512)
    assert json.loads(question.schema)["required"] == ["explanation", "input_quality"]


@pytest.mark.parametrize(
    ("annotator", "prefill"),
    [
        (QUALITY, '{"explanation": "'),
        (DIFFICULTY, '{"intent": "'),
        (CATEGORY, '{"primary_tag": "'),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_any_other_judge_finds_its_reply_begun(annotator, prefill):
    judge = ScriptedJudge("nothing", "nothing", constrained=False)
    judged(annotator, judge, "Name a river.")
    assert {(one.prefill, one.schema) for one in judge.asked} == {(prefill, None)}


def test_a_begun_reply_is_read_with_its_beginning():
    values = judged_once(QUALITY, 'Clear.", "input_quality": "good"}', constrained=False)
    assert values == (JUDGED, 1)


@pytest.mark.parametrize("reply", [GOOD, f"\n```json\n{GOOD}\n```", GOOD.replace(": ", ":")])
def test_a_judge_that_takes_no_notice_of_the_beginning_is_understood(reply):
    assert judged_once(QUALITY, reply, constrained=False) == (JUDGED, 1)


def test_a_reply_that_does_not_parse_is_asked_once_more_and_not_greedily():
    judge = ScriptedJudge("I think it is good.", GOOD)
    assert judged(QUALITY, judge, "Name a river.") == [JUDGED]
    first, second = judge.asked
    assert (first.temperature, second.temperature) == (0.0, 0.7)
    assert (first.text, first.schema) == (second.text, second.schema)
    assert 0 <= second.seed < 2**31


def test_the_seed_of_a_second_question_hangs_on_judge_recipe_and_row_alone():
    def seeds(annotator, seed):
        judge = ScriptedJudge(*["?"] * 6)
        judged(annotator, judge, "a", "b", "c", seed=seed)
        return [question.seed for question in judge.asked[1::2]]

    found = [*seeds(QUALITY, 7), *seeds(QUALITY, 8), *seeds(CATEGORY, 7)]
    assert len(set(found)) == 9
    assert seeds(QUALITY, 7) == found[:3]


def test_two_replies_that_do_not_parse_are_a_failure_with_the_last_of_them():
    values = judged_once(QUALITY, "It is good.", "It is\n\ud83d\ude00 very good\ud800.")
    assert values == (
        {
            "quality_generator": "a judge",
            "quality_error": NO_OBJECT,
            "quality_reply": "It is\n\U0001f600 very good\ufffd.",
        },
        2,
    )


def test_the_raw_reply_of_a_judge_without_schema_holds_its_beginning():
    values, _ = judged_once(QUALITY, "a", 'Hm.", "input_quality": "fine"}', constrained=False)
    assert values["quality_reply"] == '{"explanation": "Hm.", "input_quality": "fine"}'
    assert values["quality_error"] == '"input_quality" has "fine", which is no label of it'


def test_a_reply_that_the_token_limit_cut_is_none():
    judge = ScriptedJudge(Reply('{"explanation": "Clear', "length"), Reply(GOOD, "length"))
    [values] = judged(QUALITY, judge, "Name a river.", max_tokens=20)
    assert values == {
        "quality_generator": "a judge",
        "quality_error": "the reply was cut off at the limit of 20 tokens",
        "quality_reply": GOOD,
    }
    assert [question.max_tokens for question in judge.asked] == [20, 20]


@pytest.mark.parametrize("script", [[RowError("no room")], ["?", RowError("no room")]])
def test_an_error_of_the_judge_goes_to_whoever_asked(script):
    with pytest.raises(RowError, match="no room"):
        judged_once(QUALITY, *script)


@pytest.mark.parametrize("instruction", [None, "", " \n\u3000"])
def test_a_row_without_instruction_costs_nothing_and_fails(instruction):
    judge = ScriptedJudge()
    assert judged(DIFFICULTY, judge, instruction) == [{"difficulty_error": NOTHING_TO_JUDGE}]


def test_rows_are_told_apart():
    bad = '{"explanation": "Vague.", "input_quality": "poor"}'
    judge = ScriptedJudge(GOOD, "?", "?", bad)
    first, second, third = judged(QUALITY, judge, "a", "b", "c")
    assert (first["input_quality"], third["input_quality"]) == ("good", "poor")
    assert (second["quality_error"], second["quality_reply"]) == (NO_OBJECT, "?")


def test_difficulty_and_category_fill_their_columns():
    said = '{"intent": " A name. ", "knowledge": "Rivers.", "difficulty": "very easy"}'
    assert judged_once(DIFFICULTY, said) == (
        {
            "intent": "A name.",
            "knowledge": "Rivers.",
            "difficulty": "very easy",
            "difficulty_generator": "a judge",
        },
        1,
    )
    said = '{"primary_tag": "Math", "other_tags": ["Reasoning", "Others"]}'
    assert judged_once(CATEGORY, said) == (
        {
            "task_category": "Math",
            "other_task_category": ["Reasoning", "Others"],
            "task_category_generator": "a judge",
        },
        1,
    )
