import pytest

from builder.annotate.category import ANNOTATOR as CATEGORY
from builder.annotate.judging.labels import read_label
from builder.annotate.judging.reply import UnusableReplyError, object_in
from builder.annotate.quality import ANNOTATOR as QUALITY
from builder.rows import DIFFICULTIES, TASK_CATEGORIES
from tests.annotate.judging_scripted import judged_once

KEYS = ("a", "b")
SAID = {"a": "x", "b": ["y, ]", "{"]}
TEXT = '{"a": "x", "b": ["y, ]", "{"]}'
NONE = "the reply holds no whole JSON object with the keys that were asked for"
PIECES = "the reply holds an object and another one in pieces"


@pytest.mark.parametrize(
    "reply",
    [
        TEXT,
        f"  {TEXT}\n",
        f"```json\n{TEXT}\n```",
        f"Sure! Here {{it}} is:\n{TEXT}\nI hope that helps.",
        f'{{"thought": 1}} {TEXT}',
        f"{TEXT}\n{TEXT}",
        '{"a": "x", "b": ["y, ]", "{",\n], }',
        '{\n  "b": ["y, ]", "{"],\n  "a": "x"\n}',
    ],
)
def test_an_object_is_found(reply):
    assert object_in(reply, KEYS) == SAID


def test_a_line_break_inside_of_a_string_and_a_key_more_do_no_harm():
    found = object_in('{"a": "x\ny\\", }", "b": 1, "c": 2}', KEYS)
    assert found == {"a": 'x\ny", }', "b": 1, "c": 2}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", NONE),
        ("a: x, b: y", NONE),
        ('["a", "b"]', NONE),
        ('{"a": "x", "b": "y"', NONE),
        ("{'a': 'x', 'b': 'y'}", NONE),
        ('{"wrapped": {"a": 1, "b": 2}}', NONE),
        ('{"a":' * 20_000, NONE),
        ("{" * 20_000, NONE),
        ('{"a": ' + "9" * 5000 + "}", NONE),
        ('{"a": "x"}', 'the object lacks "b"'),
        ('{"a": 1, "b": 2} {"a": 1, "b": 3}', "the reply holds objects that contradict each other"),
        ('{"a": "He wrote {"a": 1, "b": 2} and so", "b": 3}', PIECES),
        ('{"a": 1, "b": } {"a": 1, "b": 2}', PIECES),
    ],
    ids=range(13),
)
def test_no_object_is_guessed(reply, reason):
    with pytest.raises(UnusableReplyError) as caught:
        object_in(reply, KEYS)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("Math", "Math"),
        ("MATH.", "Math"),
        (" `math`\n", "Math"),
        ("Maths", "Math"),
        ("Other", "Others"),
        ("others", "Others"),
        ("Coding and Debugging", "Coding & Debugging"),
        ("coding&debugging", "Coding & Debugging"),
        ("role-playing", "Role playing"),
        ("**Role_Playing**", "Role playing"),
        ("Information-Seeking", "Information seeking"),
    ],
)
def test_a_label_is_known_by_its_letters(word, label):
    values, _ = judged_once(CATEGORY, f'{{"primary_tag": {quoted(word)}, "other_tags": []}}')
    assert values["task_category"] == label


def quoted(word):
    return '"' + word.replace("\n", "\\n") + '"'


@pytest.mark.parametrize(
    "word", ["Coding", "Maths & more", "Mat", "Mathx", "", "Math/Reasoning", "> Math", "Matth", "?"]
)
def test_a_label_is_never_guessed(word):
    reply = f'{{"primary_tag": "{word}", "other_tags": []}}'
    assert judged_once(CATEGORY, reply, reply) == (
        {
            "task_category_generator": "a judge",
            "category_error": f'"primary_tag" has "{word}", which is no label of it',
            "category_reply": reply,
        },
        2,
    )


def test_no_two_labels_of_a_column_have_the_same_letters():
    for labels in (DIFFICULTIES.categories.to_list(), TASK_CATEGORIES.categories.to_list()):
        assert [read_label("key", label.upper(), labels) for label in labels] == labels


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("null", '"input_quality" is null, not a text'),
        ("3", '"input_quality" is 3, not a text'),
        ('["good"]', '"input_quality" is ["good"], not a text'),
        (
            '"quite good for something that short, I would say"',
            '"input_quality" has "quite good for something that short, I ...,'
            " which is no label of it",
        ),
    ],
)
def test_a_label_that_is_none_says_what_was_seen(value, reason):
    reply = f'{{"explanation": "x", "input_quality": {value}}}'
    values, asked = judged_once(QUALITY, reply, reply)
    assert (values["quality_error"], asked) == (reason, 2)


def test_an_explanation_that_is_no_text_is_a_failure():
    reply = '{"explanation": ["x"], "input_quality": "good"}'
    values, _ = judged_once(QUALITY, reply, reply)
    assert values["quality_error"] == '"explanation" is no text'


def test_halves_of_a_character_in_an_explanation_are_mended():
    reply = r'{"explanation": "\ud83d\ude00 \ud800 \u0000", "input_quality": "good"}'
    values, _ = judged_once(QUALITY, reply)
    assert values["quality_explanation"] == "\U0001f600 \ufffd \x00"


@pytest.mark.parametrize(
    ("others", "kept"),
    [
        ("[]", []),
        ("null", []),
        ('["Reasoning", "math", "reasoning", "Other", "Others"]', ["Reasoning", "Others"]),
        ('["Planning", "Editing"]', ["Planning", "Editing"]),
    ],
)
def test_other_tags_are_kept_once_in_order_without_the_first(others, kept):
    values, asked = judged_once(CATEGORY, f'{{"primary_tag": "Math", "other_tags": {others}}}')
    assert (values["other_task_category"], asked) == (kept, 1)


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ('"Reasoning"', '"other_tags" is no list'),
        ('["Reasoning", "Logic"]', '"other_tags" has "Logic", which is no label of it'),
        ("[null]", '"other_tags" is null, not a text'),
    ],
)
def test_other_tags_that_are_none_fail_the_judgement(others, reason):
    reply = f'{{"primary_tag": "Math", "other_tags": {others}}}'
    values, _ = judged_once(CATEGORY, reply, reply)
    assert values["category_error"] == reason
    assert "task_category" not in values
