import pytest

from builder.release.plots.scale import number, per_cent, short, ticks, written
from builder.release.plots.series import Bars, Bins, Layer
from builder.release.plots.words import alt


@pytest.mark.parametrize(
    ("low", "high", "most", "found"),
    [
        (0, 100, 6, [0, 20, 40, 60, 80, 100]),
        (0, 68, 6, [0, 20, 40, 60]),
        (-16, 8, 6, [-15, -10, -5, 0, 5]),
        (0.1, 0.35, 4, [0.1, 0.2, 0.3]),
        (5, 5, 4, [5]),
    ],
)
def test_ticks_are_round_numbers(low, high, most, found):
    assert ticks(low, high, most) == found


@pytest.mark.parametrize("high", [0.003, 0.7, 1.0, 9.9, 12, 4096, 3e6])
def test_there_are_never_more_ticks_than_asked_for(high):
    assert 2 <= len(ticks(0, high, 6)) <= 6


def test_tick_labels_have_the_decimals_that_their_step_needs():
    assert written([0, 0.5, 1.0]) == ["0.0", "0.5", "1.0"]
    assert written([-2000, 0, 2000]) == ["−2,000", "0", "2,000"]
    assert written([0.0]) == ["0"]


def test_numbers_in_words():
    assert [per_cent(share) for share in (0, 0.0001, 0.1234, 1)] == [
        "0.0 %",
        "< 0.1 %",
        "12.3 %",
        "100.0 %",
    ]
    assert [number(value) for value in (1234.0, 1.0466)] == ["1,234", "1.0466"]
    assert [short(value) for value in (1234.0, 1.0466, -4.25, 123.4)] == [
        "1,234",
        "1.05",
        "−4.25",
        "123",
    ]


def test_a_histogram_in_words():
    layers = (Layer("kept", (50, 49), above=1, median=28.0), Layer("sampled", (90, 80)))
    one = Bins("l", "Length of the response", "tokens", (0.0, 32.0, 64.0), layers)
    assert alt(one) == (
        "Length of the response. 100 rows kept, half of them at most 28 tokens, 1.0 % above 64."
    )


def test_bars_in_words_leave_out_labels_that_no_row_has():
    one = Bars("q", "Quality", ("poor", "good", "best"), (Layer("kept", (0, 3, 1)),))
    assert alt(one) == "Quality. Of 4 rows kept: good 75.0 %, best 25.0 %."


def test_splits_in_words_each_have_a_sentence():
    one = Bars("q", "Quality", ("good",), (Layer("air", (1,)), Layer("pro", (2,))))
    assert alt(one) == "Quality. Of 1 row of air: good 100.0 %. Of 2 rows of pro: good 100.0 %."


def test_a_funnel_in_words_names_what_dropped_most():
    layer = Layer("rows left", (1000, 900, 850, 100))
    one = Bars("f", "From sampled to kept", ("sampled", "a", "b", "c"), (layer,), steps=True)
    assert alt(one) == (
        "From sampled to kept. 1,000 rows sampled, 100 kept (10.0 %). "
        "Most were dropped by: c 750, a 100, b 50."
    )
