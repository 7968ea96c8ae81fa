import polars as pl
import pytest

from builder.errors import RunError
from builder.recipe.existing.window import SourceRows


@pytest.fixture
def files(tmp_path):
    """Three files of 5,000, 1 and 3,000 rows: Parquet, Parquet without `text`, JSON Lines."""
    first = pl.DataFrame({"n": range(5000), "text": [f"t{n}" for n in range(5000)]})
    first.write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"n": [5000]}).write_parquet(tmp_path / "b.parquet")
    last = pl.DataFrame({"n": range(5001, 8001), "text": [f"t{n}" for n in range(5001, 8001)]})
    last.write_ndjson(tmp_path / "c.jsonl")
    return [tmp_path / name for name in ("a.parquet", "b.parquet", "c.jsonl")]


def text(rows, row):
    return rows[row].get("text")


def test_rows_have_the_numbers_of_their_places_over_all_files(files):
    rows = SourceRows(files, ("text",))

    assert [text(rows, row) for row in (0, 1, 4999, 5000, 5001, 8000)] == [
        "t0",
        "t1",
        "t4999",
        None,
        "t5001",
        "t8000",
    ]


def test_a_row_that_was_left_behind_is_found_again(files):
    rows = SourceRows(files, ("text",), held=1)
    assert text(rows, 8000) == "t8000"

    assert [text(rows, row) for row in (3, 2500, 5000, 5001)] == ["t3", "t2500", None, "t5001"]
    assert text(rows, 7999) == "t7999"


def test_a_data_set_that_became_shorter_is_told(files):
    rows = SourceRows(files[:1], ("text",))

    with pytest.raises(RunError, match=r"^the data set ends at row 5000, and row 5000 was there"):
        rows[5000]
