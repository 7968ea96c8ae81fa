import polars as pl
import pytest

from builder.errors import UsageError
from builder.recipe.data_rows import rows_of

ROWS = [{"n": 1, "text": "a"}, {"n": 2, "text": None}, {"n": 3, "text": "ü\n"}]


def write(folder, suffix):
    path = folder / f"rows{suffix}"
    frame = pl.DataFrame(ROWS)
    if suffix == ".parquet":
        frame.write_parquet(path)
    elif suffix == ".json":
        frame.write_json(path)
    elif suffix in (".csv", ".tsv"):
        frame.write_csv(path, separator="\t" if suffix == ".tsv" else ",")
    else:
        frame.write_ndjson(path)
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv"])
def test_rows_are_those_that_were_written(tmp_path, suffix):
    assert list(rows_of([write(tmp_path, suffix)])) == ROWS


def test_lines_in_a_json_are_rows_too(tmp_path):
    path = write(tmp_path, ".jsonl").rename(tmp_path / "lines.json")

    assert list(rows_of([path])) == ROWS


def test_a_text_has_a_row_a_line(tmp_path):
    (tmp_path / "a.txt").write_text("one\n\ntwo", encoding="utf-8")

    assert [row["text"] for row in rows_of([tmp_path / "a.txt"])] == ["one", "", "two"]


def test_files_keep_the_order_in_which_they_are_given(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"n": 1}\n', encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"n": 2}\n', encoding="utf-8")
    (tmp_path / "none.jsonl").touch()
    files = [tmp_path / "b.jsonl", tmp_path / "none.jsonl", tmp_path / "a.jsonl"]

    assert list(rows_of(files)) == [{"n": 2}, {"n": 1}]


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
def test_many_rows_keep_their_order(tmp_path, suffix):
    frame = pl.DataFrame({"n": range(30_000)})
    path = tmp_path / f"many{suffix}"
    write_many = {".parquet": frame.write_parquet, ".jsonl": frame.write_ndjson}
    write_many.get(suffix, frame.write_csv)(path)

    assert [row["n"] for row in rows_of([path])] == list(range(30_000))


def test_a_column_that_is_null_at_first_keeps_its_values(tmp_path):
    lines = ['{"a": null}'] * 3_000 + ['{"a": "x", "b": [{"c": "d"}]}']
    (tmp_path / "late.jsonl").write_text("\n".join(lines), encoding="utf-8")

    rows = list(rows_of([tmp_path / "late.jsonl"]))
    assert (len(rows), rows[0], rows[-1]) == (
        3_001,
        {"a": None, "b": None},
        {"a": "x", "b": [{"c": "d"}]},
    )


def test_only_columns_that_are_asked_for_are_read(tmp_path):
    assert list(rows_of([write(tmp_path, ".parquet")], ["text", "other"])) == [
        {"text": "a"},
        {"text": None},
        {"text": "ü\n"},
    ]


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.json"])
def test_a_file_that_is_not_what_its_suffix_says(tmp_path, name):
    (tmp_path / name).write_text("neither", encoding="utf-8")

    with pytest.raises(UsageError) as error:
        list(rows_of([tmp_path / name]))
    assert error.value.message.startswith(f"{tmp_path / name} cannot be read: ")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError) as error:
        list(rows_of([tmp_path / "gone.csv"]))
    assert error.value.message.startswith(f"{tmp_path / 'gone.csv'} cannot be read: ")
