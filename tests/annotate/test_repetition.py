import pytest

from builder.annotate import repetition, response_repetition
from builder.annotate.texts.loops import repetition as measure
from builder.annotate.texts.words import marked_words, words
from tests.annotate.saying import say


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0),
        (" \n\n ", 0),
        ("\x00\ud800", 0),
        ("What is the capital of France?", 0),
        ("one two three four five six seven", 0),
        ("and so on and so on and so on", 14 / 21),
        ("And so on, and so on, and so on,", 16 / 24),
        ("go " * 10, 0.9),
        ("a" * 800, 0.99),
        ("......" * 100, 1 - 8 / 600),
        ("😀" * 10, 0.9),
        ("Be kind.\nBe kind.", 0.5),
        ("1. Be kind.\n2. Be kind.\n3. Be kind.\n10) Be kind.", 0.75),
        ("* Be kind.\n- be  kind.", 0.5),
        ("人工智能的好处有什么" * 4, 0.75),
        ("今天天气很好我们去公园散步然后回家吃饭", 0),
        ("שלום לכולם וברוכים הבאים אלינו " * 2, 0.5),
    ],
)
def test_the_share_that_says_again_what_was_said(text, share):
    assert measure(text) == pytest.approx(share)


def test_a_table_and_a_program_repeat_little():
    table = "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |"
    program = "if a:\n    b()\nelse:\n    c()\nif d:\n    e()\nelse:\n    f()"

    assert measure(table) < 0.15
    assert measure(program) < 0.2


def test_a_text_of_many_words_is_measured_whole():
    words_once = " ".join(str(number) for number in range(100_000))

    assert measure(words_once) == 0
    assert measure(f"{words_once} {words_once}") == pytest.approx(0.5)


def test_an_instruction_gets_its_share():
    rows = [{"instruction": "go " * 10}, {"instruction": None}, {"instruction": ""}]

    assert say(repetition.ANNOTATOR, rows) == [
        {"instruction_repetition": 0.9},
        {},
        {"instruction_repetition": 0.0},
    ]
    assert not repetition.ANNOTATOR.after_response


def test_a_response_gets_its_share():
    rows = [{"response": "Be kind.\nBe kind."}, {"response": None}]

    assert say(response_repetition.ANNOTATOR, rows) == [{"response_repetition": 0.5}, {}]
    assert response_repetition.ANNOTATOR.after_response


def test_words_are_folded_and_letters_of_blankless_scripts_are_words():
    assert words("What's Ａ-B? 你好 हिन्दी में 😀 STRASSE Straße") == [
        *("what", "s", "a", "b", "你", "好", "हिन्दी", "में", "😀", "strasse", "strasse")
    ]
    assert marked_words("| a | (B)") == ["|", "a", "|", "(b)"]
