import pytest

from builder.run.yields import Share


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [  # Wilson's interval, by hand
        (50, 100, 0.4038, 0.5962),
        (10, 100, 0.0552, 0.1744),
        (0, 100, 0.0, 0.0370),
        (100, 100, 0.9630, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_a_share_is_known_within_wilsons_interval(part, whole, low, high):
    assert Share(part, whole).between == pytest.approx((low, high), abs=5e-5)


def test_rows_for_so_many_kept_lie_between_what_the_interval_allows():
    assert Share(50, 100).rows_for(300) == (600, (504, 743))


def test_without_a_single_row_only_the_least_is_known():
    assert Share(0, 100).rows_for(30) == (None, (811, None))


def test_where_all_are_kept_rows_are_not_fewer_than_wanted():
    assert Share(20, 20).rows_for(300) == (300, (300, 358))
