from pathlib import Path

from builder.annotate.lengths import ANNOTATOR
from builder.recipe.model_source import demo_folder
from builder.recipe.tokenizer_files import load_tokenizer_files
from builder.recipe.tokens import encoder
from tests.annotate.saying import FewTools, say


def test_texts_are_counted_by_the_tokenizer():
    encode = encoder(load_tokenizer_files("demo", "main", Path()))
    row = {"instruction": "What is two plus two?", "response": "Four."}

    assert say(ANNOTATOR, [row], FewTools(encode=encode)) == [
        {
            "instruction_text_tokens": len(encode("What is two plus two?")),
            "response_text_tokens": len(encode("Four.")),
        }
    ]
    assert demo_folder().is_dir()


def test_a_text_that_is_not_there_has_no_length_and_an_empty_one_has_0():
    tools = FewTools(encode=lambda text: [ord(letter) for letter in text])

    assert say(ANNOTATOR, [{"instruction": "", "response": None}], tools) == [
        {"instruction_text_tokens": 0}
    ]


def test_half_a_character_counts_as_the_sign_that_stands_for_it():
    tools = FewTools(encode=lambda text: list(text.encode()))

    assert say(ANNOTATOR, [{"instruction": "a\ud800", "response": "\x00"}], tools) == [
        {"instruction_text_tokens": 4, "response_text_tokens": 1}  # the sign has three bytes
    ]


def test_without_a_tokenizer_nothing_is_said():
    assert say(ANNOTATOR, [{"instruction": "a", "response": "b"}]) == [{}]


def test_it_comes_after_the_response():
    assert ANNOTATOR.after_response
