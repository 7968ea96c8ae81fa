import math

import polars as pl
import pytest

from builder.release.plots.histogram import BINS, histograms


def counted(values, raw=None, kind=None):
    kept = pl.DataFrame({"v": pl.Series(values, dtype=kind)})
    rows = {"filtered": kept, "raw": kept if raw is None else pl.DataFrame({"v": raw})}
    return histograms(rows, ["v"], "raw")


def test_whole_numbers_have_bins_of_whole_width():
    assert counted([1, 1, 2, 4])["raw"] == [
        {
            "column": "v",
            "width": 1.0,
            "first": 0,
            "counts": [0, 2, 1, 0, 1],
            "below": 0,
            "above": 0,
            "none": 0,
        }
    ]


def test_bins_are_chosen_by_all_rows_and_the_same_for_the_kept_ones():
    found = counted([100, 101], raw=list(range(200)))
    (kept,), (raw,) = found["filtered"], found["raw"]
    assert (kept["width"], kept["first"]) == (raw["width"], raw["first"]) == (16.0, 0)
    assert sum(kept["counts"]) == 2
    assert sum(raw["counts"]) + raw["above"] == 200
    assert kept["counts"][6] == 2  # 96 up to 112


@pytest.mark.parametrize("scale", [1e-3, 0.37, 1.0, 900.0, 1e6])
@pytest.mark.parametrize("shift", [-5.0, 0.0, 3.25])
def test_the_middle_of_the_values_fills_few_bins_whatever_the_scale(scale, shift):
    values = [(shift + i / 1000) * scale for i in range(1000)]
    (found,) = counted(values)["raw"]
    assert len(found["counts"]) <= BINS + 1 + BINS // 4
    assert sum(found["counts"]) + found["below"] + found["above"] == 1000
    assert found["below"] + found["above"] <= 22
    assert found["width"] == 2.0 ** round(math.log2(found["width"]))


def test_one_far_value_does_not_flatten_the_others():
    (found,) = counted([*range(200), 10**9])["raw"]
    assert (found["width"], found["above"]) == (16.0, 1)


def test_rows_without_a_finite_number_are_none():
    (found,) = counted([None, float("nan"), float("inf"), 1.0])["raw"]
    assert (found["none"], found["counts"]) == (3, [1])


def test_negative_numbers_lie_below_zero():
    (found,) = counted([-3, -1, 2])["raw"]
    assert (found["first"], found["counts"]) == (-3, [1, 0, 1, 0, 0, 1])


def test_a_column_without_values_is_left_out():
    assert counted([None, None], kind=pl.Float64) == {"filtered": [], "raw": []}


def test_kept_rows_without_values_count_as_none():
    rows = {
        "filtered": pl.DataFrame({"v": pl.Series([None], dtype=pl.Int64)}),
        "raw": pl.DataFrame({"v": [4]}),
    }
    (found,) = histograms(rows, ["v"], "raw")["filtered"]
    assert (found["none"], sum(found["counts"])) == (1, 0)
