import json
from pathlib import Path

import pytest

from builder.annotate.embedding import EmbeddingOptions
from builder.errors import UsageError
from builder.release.plots.embedded import Embedding
from builder.release.plots.others import instruction_of, other_set

LEXICAL = Embedding(EmbeddingOptions(), Path())


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        ({"instruction": "Add.", "input": "1 and 2"}, "Add.\n\n1 and 2"),
        ({"instruction": "Add.", "input": ""}, "Add."),
        (
            {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "x"}]},
            "Hi",
        ),
        ({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "Q"}]}, "Q"),
        ({"data": ["First", "second"]}, "First"),
        ({"prompt": "Say it", "text": "all of it"}, "Say it"),
        ({"instruction": None, "question": "Why?"}, "Why?"),
        ({"instruction": None, "messages": []}, ""),
        ({"messages": [None, 7]}, ""),
    ],
)
def test_what_the_user_asked_first(row, asked):
    assert instruction_of(row) == asked


@pytest.fixture
def written(tmp_path):
    def write(rows, name="other.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return name

    return write


def test_a_data_set_is_embedded_each_instruction_once(written, tmp_path):
    name = written([{"instruction": text} for text in ("Bake bread", "Fix it", "Bake bread", " ")])
    found = other_set(name, tmp_path, LEXICAL, 10)
    assert sorted(found.texts) == ["Bake bread", "Fix it"]
    assert (found.name, found.rows, found.revision) == ("other.jsonl", 3, "")
    assert found.vectors.shape == (2, 384)


def test_a_sample_is_the_same_whatever_the_order_and_mostly_kept_as_the_set_grows(
    written, tmp_path
):
    rows = [{"instruction": f"Request number {i}"} for i in range(40)]
    one = other_set(written(rows), tmp_path, LEXICAL, 20)
    other = other_set(written(rows[::-1]), tmp_path, LEXICAL, 20)
    assert one.texts == other.texts
    assert len(one.texts) == 20
    more = [{"instruction": "One more"}, *rows]
    grown = other_set(written(more), tmp_path, LEXICAL, 20)
    assert len(set(grown.texts) & set(one.texts)) >= 19


def test_a_path_of_this_machine_is_told_by_its_last_part_alone(written, tmp_path):
    written([{"prompt": "Hello there"}])
    assert other_set(str(tmp_path / "other.jsonl"), tmp_path, LEXICAL, 5).name == "other.jsonl"


def test_a_data_set_that_is_not_there_says_how_to_do_without(tmp_path):
    with pytest.raises(UsageError, match=r"^plots\.compare: there is no file") as caught:
        other_set("./gone.jsonl", tmp_path, LEXICAL, 5)
    assert "--set plots.compare=[]" in caught.value.mend


def test_a_data_set_without_instructions_is_refused(written, tmp_path):
    with pytest.raises(UsageError, match="has no instructions in instruction, input"):
        other_set(written([{"label": 3}]), tmp_path, LEXICAL, 5)
