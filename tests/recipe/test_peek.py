import json

import polars as pl
import pytest

from builder.recipe.peek import ENOUGH, columns_in, first_or_last

ROWS = pl.DataFrame({"instruction": ["Hi"] * 3, "n": [1, 2, 3]})
LONG = {"instruction": "long " * ENOUGH}


def seen(path):
    return columns_in(path.name, first_or_last(path))


@pytest.mark.parametrize(
    ("name", "text", "columns"),
    [
        ("a.jsonl", '{"a": 1}\n{"b": 2}\n', {"a", "b"}),
        ("a.json", '{"a": 1}\n', {"a"}),
        ("a.json", '[\n {"a": 1},\n {"b": 2}\n]', {"a", "b"}),
        ("a.ndjson", '\ufeff{"a": 1}\n{"b', {"a"}),
        ("a.csv", '"a,b",c\n1,2\n', {"a,b", "c"}),
        ("a.tsv", "a\tb\n1\t2\n", {"a", "b"}),
        ("a.txt", "anything", {"text"}),
        ("a.jsonl", "", set()),
        ("a.json", "[]", set()),
        ("a.csv", "", set()),
        ("a.jsonl", "no rows", None),
        ("a.jsonl", json.dumps(LONG), None),
        ("a.parquet", "no parquet", None),
    ],
)
def test_columns_of_a_file(tmp_path, name, text, columns):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert seen(path) == (None if columns is None else frozenset(columns))


def test_of_parquet_the_footer_is_enough(tmp_path):
    ROWS.write_parquet(tmp_path / "a.parquet")
    asked = []

    def read(number):
        asked.append(number)
        return first_or_last(tmp_path / "a.parquet")(number)

    assert columns_in("a.parquet", read) == {"instruction", "n"}
    assert asked == [-ENOUGH]


def test_a_large_footer_is_read_as_a_whole(tmp_path):
    wide = pl.DataFrame({f"column {i} {'x' * 60}": [i] for i in range(2500)})
    wide.write_parquet(tmp_path / "a.parquet")
    assert seen(tmp_path / "a.parquet") == set(wide.columns)
