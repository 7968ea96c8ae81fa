import polars as pl

from builder.release.report.spread import KEPT, shares, spread


def rows(*reasons):
    return pl.DataFrame(
        {"row": range(len(reasons)), "drop_reason": reasons},
        schema={"row": pl.Int64, "drop_reason": pl.String},
    )


def test_all_rows_are_taken_where_there_are_no_more_than_wanted():
    assert spread(rows(None, "short", None), 3).to_list() == [0, 1, 2]


def test_half_are_kept_rows_and_a_rare_reason_is_seen():
    counts = {KEPT: 90, "duplicate": 9, "short": 1}
    assert shares(counts, 10) == {KEPT: 5, "duplicate": 4, "short": 1}


def test_reasons_share_evenly_and_leave_what_they_do_not_need_to_the_others():
    counts = {KEPT: 1000, "a": 500, "b": 500, "c": 10}
    assert shares(counts, 100) == {KEPT: 50, "c": 10, "a": 20, "b": 20}


def test_where_few_rows_are_kept_the_dropped_ones_get_the_rest():
    assert shares({KEPT: 2, "a": 100}, 10) == {KEPT: 2, "a": 8}


def test_where_few_rows_are_dropped_the_kept_ones_get_the_rest():
    assert shares({KEPT: 100, "a": 2}, 10) == {KEPT: 8, "a": 2}


def test_no_more_rows_are_taken_than_wanted_even_of_many_reasons():
    counts = {KEPT: 100} | {f"rule-{number}": 50 for number in range(7)}
    for most in range(1, 60):
        assert sum(shares(counts, most).values()) <= most


def test_rows_are_spread_over_the_run():
    found = spread(rows(*[None, "short"] * 50), 10)
    assert found.to_list() == [0, 1, 20, 21, 40, 41, 60, 61, 80, 81]


def test_as_many_rows_come_as_were_counted():
    frame = rows(*[None if number % 3 else f"rule-{number % 5}" for number in range(997)])
    for most in (1, 7, 100, 500, 996):
        found = spread(frame, most)
        counts = frame.with_columns(pl.col("drop_reason").fill_null(KEPT))["drop_reason"]
        assert found.len() == sum(shares(dict(counts.value_counts().iter_rows()), most).values())
        assert found.is_sorted()


def test_a_run_without_dropped_rows_is_spread_too():
    assert spread(rows(*[None] * 9), 3).to_list() == [0, 3, 6]


def test_kept_rows_that_are_on_the_map_come_first():
    frame, mapped = rows(*[None] * 90, *["short"] * 10), pl.Series([3, 40, 41, 77, 89])
    assert spread(frame, 10, mapped).to_list() == [3, 40, 41, 77, 89, 90, 92, 94, 96, 98]


def test_a_map_of_too_few_rows_has_no_say():
    frame = rows(*[None] * 90, *["short"] * 10)
    assert spread(frame, 10, pl.Series([3, 40])).to_list() == spread(frame, 10).to_list()
