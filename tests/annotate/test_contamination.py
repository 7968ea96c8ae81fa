import json

import numpy as np
import polars as pl
import pytest

from builder.annotate.contamination import ANNOTATOR
from builder.annotate.texts.grams import GramSet, gram_hashes
from builder.errors import UsageError
from tests.annotate.saying import FewTools, say

LONG = "a train leaves the old station at nine and reaches the far harbour before ten every day"
SHORT = "how many legs do three spiders have together"


@pytest.fixture
def tools(tmp_path):
    pl.DataFrame({"question": [LONG, "Yes"], "answer": ["B", None]}).write_parquet(
        tmp_path / "math.parquet"
    )
    rows = [{"turns": [{"role": "user", "content": SHORT}], "id": 1}]
    (tmp_path / "chat.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return FewTools(tmp_path)


def said_of(tools, *texts, against=("math.parquet", "chat.jsonl"), **options):
    rows = [{"instruction": text} for text in texts]
    return say(ANNOTATOR, rows, tools, against=list(against), **options)


@pytest.mark.parametrize(
    ("text", "share", "by"),
    [
        (LONG, 1.0, "math.parquet"),
        (LONG.upper().replace(" ", ",  "), 1.0, "math.parquet"),
        (f"{LONG} or more", 5 / 7, "math.parquet"),
        (LONG.rsplit(" ", 4)[0], 1.0, "math.parquet"),
        (SHORT, 1.0, "chat.jsonl"),
        (f"{SHORT.title()}?!", 1.0, "chat.jsonl"),
        (f"{SHORT} {LONG}", 5 / 13, "math.parquet"),
    ],
)
def test_the_share_of_grams_that_a_benchmark_holds(tools, text, share, by):
    assert said_of(tools, text) == [{"contamination": pytest.approx(share), "contaminated_by": by}]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes",
        "\x00\ud800",
        "how many legs do three spiders have",
        "how many legs do three spiders have together now",
        "a train leaves the old station at ten and reaches the far harbour before nine each day",
        " ".join(reversed(LONG.split())),
        "30000 " * 5000,
    ],
)
def test_what_no_benchmark_holds(tools, text):
    assert said_of(tools, text) == [{"contamination": 0.0}]


def test_rows_in_their_order_and_none_without_instruction(tools):
    assert said_of(tools, "Hi", None, SHORT) == [
        {"contamination": 0.0},
        {},
        {"contamination": 1.0, "contaminated_by": "chat.jsonl"},
    ]


def test_the_first_data_set_of_the_recipe_is_named(tools):
    (tools.base / "copy.txt").write_text(f"{LONG}\n", encoding="utf-8")

    for against in (["copy.txt", "math.parquet"], ["math.parquet", "copy.txt"]):
        assert said_of(tools, LONG, against=against)[0]["contaminated_by"] == against[0]


def test_only_the_columns_that_the_recipe_names_are_compared(tools):
    assert said_of(tools, LONG, against=["math.parquet"], columns="question") == [
        {"contamination": 1.0, "contaminated_by": "math.parquet"}
    ]
    with pytest.raises(UsageError) as error:
        said_of(tools, LONG, against=["math.parquet"], columns=["text"])
    assert str(error.value) == (
        "annotate.contamination.columns: math.parquet has no column text\n"
        "name a column that it has, or leave `columns` out to compare all of its texts"
    )


def test_a_data_set_without_texts_is_refused(tools):
    (tools.base / "few.txt").write_text("yes\nno\n", encoding="utf-8")

    with pytest.raises(UsageError) as error:
        said_of(tools, LONG, against=["few.txt"])
    assert str(error.value) == (
        "annotate.contamination.against: few.txt holds no text of 8 words or more\n"
        "name a data set of texts; shorter texts agree by chance and are not compared"
    )


def test_no_gram_crosses_from_one_text_into_the_next():
    words = LONG.split()
    apart = GramSet()
    apart.add([" ".join(words[:9]), "", " ".join(words[9:])])

    assert not apart.holds(gram_hashes([LONG])).any()
    assert apart.holds(gram_hashes([" ".join(words[:9])])).all()


def test_the_set_is_the_same_however_the_texts_came(monkeypatch):
    monkeypatch.setattr("builder.annotate.texts.grams._PENDING", 1)
    texts = [" ".join(f"w{(start * step) % 97}" for step in range(40)) for start in range(50)]
    one, many = GramSet(), GramSet()
    one.add(texts)
    for text in reversed(texts * 2):
        many.add([text])

    assert len(one) == len(many) == len(set(gram_hashes(texts).tolist()))
    assert many.holds(gram_hashes(texts)).all()
    assert not many.holds(np.array([0, 2**64 - 1], dtype=np.uint64)).any()
    assert not GramSet().holds(gram_hashes(texts)).any()
