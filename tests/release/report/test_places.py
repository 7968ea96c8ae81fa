import polars as pl

from builder.release.plots.points import PLACES
from builder.release.report.places import read_places, seen
from tests.release.report.conftest import OTHERS, placed

ROWS = pl.DataFrame({"row": [0, 1, 3, 4]})


def test_points_have_the_position_of_their_row_on_the_page():
    found = seen(placed(), ROWS)
    assert found["rows"] == [0, 1, 3]
    assert (found["x"], found["y"]) == ([0.0, 1.0, 1.0], [0.0, 0.0, 1.0])
    assert found["sets"] == []


def test_points_of_other_data_sets_have_none_but_a_text():
    found = seen(placed(OTHERS), ROWS)
    assert found["rows"] == [0, 1, 3, -1]
    assert found["set"] == [-1, -1, -1, 0]
    assert found["sets"] == ["Alpaca"]
    assert found["texts"] == [None, None, None, "Name three primary colours."]


def test_the_narrower_side_lies_in_the_middle():
    narrow = placed().with_columns(y=pl.col("y") / 2)
    assert seen(narrow, ROWS)["y"] == [0.25, 0.25, 0.75]


def test_a_map_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "map.parquet"
    placed(OTHERS).with_columns(digest=pl.lit("0f")).write_parquet(path)
    found = read_places(path)
    assert found is not None
    assert found.equals(placed(OTHERS))


def test_what_is_no_map_counts_as_none(tmp_path):
    path = tmp_path / "map.parquet"
    assert read_places(path) is None
    path.write_bytes(b"torn")
    assert read_places(path) is None
    pl.DataFrame({"x": [1.0]}).write_parquet(path)
    assert read_places(path) is None
    pl.DataFrame(schema=PLACES).write_parquet(path)
    assert read_places(path) is None
