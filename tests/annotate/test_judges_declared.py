import json

import polars as pl
import pytest

from builder.annotate.base import Cost, Needs
from builder.annotate.category import ANNOTATOR as CATEGORY
from builder.annotate.difficulty import ANNOTATOR as DIFFICULTY
from builder.annotate.judging.worker import PROMPTS, JudgeOptions
from builder.annotate.quality import ANNOTATOR as QUALITY
from builder.rows import DIFFICULTIES, QUALITIES, TASK_CATEGORIES
from tests.annotate.judging_scripted import ScriptedJudge, judged

JUDGES = [QUALITY, DIFFICULTY, CATEGORY]
REPLIES = {
    "quality": {"explanation": "Clear.", "input_quality": "good"},
    "difficulty": {"intent": "A name.", "knowledge": "Rivers.", "difficulty": "easy"},
    "category": {"primary_tag": "Math", "other_tags": []},
}


def test_the_columns_have_the_published_names_and_ordered_types():
    kinds = {name: out.kind for judge in JUDGES for name, out in judge.columns.items()}
    text = pl.String()
    assert kinds == {
        "quality_explanation": text,
        "input_quality": QUALITIES,
        "quality_generator": text,
        "quality_reply": text,
        "quality_error": text,
        "intent": text,
        "knowledge": text,
        "difficulty": DIFFICULTIES,
        "difficulty_generator": text,
        "difficulty_reply": text,
        "difficulty_error": text,
        "task_category": TASK_CATEGORIES,
        "other_task_category": pl.List(TASK_CATEGORIES),
        "task_category_generator": text,
        "category_reply": text,
        "category_error": text,
    }


@pytest.mark.parametrize("judge", JUDGES, ids=lambda one: one.name)
def test_a_judge_reads_the_instruction_alone_and_costs_tokens(judge):
    assert (judge.reads, judge.needs, judge.cost, judge.batch, judge.after_response) == (
        ("instruction",),
        Needs.JUDGE,
        Cost.TOKENS,
        1,
        False,
    )


@pytest.mark.parametrize("judge", JUDGES, ids=lambda one: one.name)
def test_only_failures_are_kept_from_readers_of_the_filtered_rows(judge):
    hidden = {name for name, out in judge.columns.items() if out.place == "raw"}
    assert hidden == {f"{judge.name}_reply", f"{judge.name}_error"}
    assert all(out.place != "run" for out in judge.columns.values())


@pytest.mark.parametrize("judge", JUDGES, ids=lambda one: one.name)
def test_the_schema_asks_for_the_keys_of_the_prompt_in_its_order(judge):
    asked = ScriptedJudge(json.dumps(REPLIES[judge.name]))
    judged(judge, asked, "Name a river.")
    schema = json.loads(asked.asked[0].schema)
    keys = list(schema["properties"])
    prompt = (PROMPTS / f"{judge.name}.txt").read_text(encoding="utf-8")
    order = prompt.partition("Its keys, in this order:")[2]
    assert keys == list(REPLIES[judge.name]) == schema["required"]
    assert [order.index(f'"{key}"') for key in keys] == sorted(
        order.index(f'"{key}"') for key in keys
    )
    assert schema["additionalProperties"] is False


def test_a_schema_uses_no_word_that_an_engine_refuses():
    names = TASK_CATEGORIES.categories.to_list()
    label = {"type": "string", "enum": names}
    asked = ScriptedJudge(json.dumps(REPLIES["category"]))
    judged(CATEGORY, asked, "Name a river.")
    assert json.loads(asked.asked[0].schema)["properties"] == {
        "primary_tag": label,
        "other_tags": {"type": "array", "items": label},
    }


def test_every_label_of_a_prompt_is_a_label_of_its_column():
    for judge, labels in [(QUALITY, QUALITIES), (DIFFICULTY, DIFFICULTIES), (CATEGORY, None)]:
        prompt = (PROMPTS / f"{judge.name}.txt").read_text(encoding="utf-8")
        told = [line[2:].partition(":")[0] for line in prompt.splitlines() if line[:2] == "- "]
        assert told == list((labels or TASK_CATEGORIES).categories)


def test_the_options_are_bounded():
    assert JudgeOptions() == JudgeOptions(max_tokens=512, max_characters=4000)
    for wrong in ({"max_tokens": 15}, {"max_characters": 0}, {"max_tokens": True}, {"tokens": 9}):
        with pytest.raises(ValueError, match="1 validation error"):
            JudgeOptions(**wrong)
