import pytest

from builder.release.card_filters import in_words, inner, short_type, written
from builder.release.markdown import code, span


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("string", "string"),
        ("list<string>", "list<string>"),
        ("struct{a: float64, b: int64}", "struct{a, b}"),
        ("list<struct{from: string, value: list<string>}>", "list<struct{from, value}>"),
    ],
)
def test_types_are_told_without_those_of_their_fields(name, short):
    assert short_type(name) == short


@pytest.mark.parametrize(
    ("words", "within"),
    [
        ("Whether it is so.", "whether it is so"),
        ("how it is", "how it is"),
        ("A vector", "a vector"),
        ("LLM as a judge.", "LLM as a judge"),
        ("", ""),
    ],
)
def test_summaries_stand_within_a_sentence(words, within):
    assert inner(words) == within


def test_columns_whose_names_say_little_have_words():
    assert in_words("min_neighbor_distance") == "distance to the nearest neighbour"
    assert in_words("input_quality") == "input quality"


def test_options_are_told_as_a_recipe_has_them_and_only_those_that_are_set():
    options = {
        "among": ("EN", "DE"),
        "model": None,
        "exact": True,
        "base": {"max_tokens": 1024, "model": None},
        "reward": {"model": None, "template": None},
    }
    assert written(options) == ["among: [EN, DE]", "exact: true", "base: {max_tokens: 1024}"]


def test_pipes_are_escaped_in_tables_alone():
    assert (code("a || b"), span("a || b")) == ("`a \\|\\| b`", "`a || b`")
    assert span("a\\|`b\nc") == "`` a\\|`b c ``"
