import math

import polars as pl
import pytest

from builder.recipe.existing.values import UnreadableValueError, read_value
from builder.rows import DIFFICULTIES, QUALITIES, TASK_CATEGORIES

MORE = pl.List(TASK_CATEGORIES)


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (QUALITIES, "good", "good"),
        (QUALITIES, " Very Poor. ", "very poor"),
        (DIFFICULTIES, "very_hard", "very hard"),
        (DIFFICULTIES, "", None),
        (TASK_CATEGORIES, "Other", "Others"),
        (TASK_CATEGORIES, "coding and debugging", "Coding & Debugging"),
        (MORE, ["other", None, "Math"], ["Others", "Math"]),
        (MORE, [], []),
        (pl.List(pl.String()), ["S1"], ["S1"]),
        (pl.Float64(), -3, -3.0),
        (pl.Float64(), "0.25", 0.25),
        (pl.Float64(), math.nan, None),
        (pl.Int64(), 7.0, 7),
        (pl.Int64(), 2**62 + 1, 2**62 + 1),
        (pl.Boolean(), False, False),
        (pl.String(), "unsafe\nS2", "unsafe\nS2"),
        (pl.String(), None, None),
    ],
)
def test_a_value_is_read_as_its_column_takes_it(kind, value, read):
    found = read_value("column", kind, value)

    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (QUALITIES, "superb", '"c" has "superb", which is no label of it'),
        (QUALITIES, 3, '"c" is 3, not a text'),
        (MORE, ["Math", "Cooking"], '"c" has "Cooking", which is no label of it'),
        (MORE, "Math", "c is no list"),
        (pl.Float64(), "much", "c has 'much', which is no number"),
        (pl.Float64(), math.inf, "c has 'inf', which is no number"),
        (pl.Float64(), True, "c has 'True', which is no number"),
        (pl.Int64(), 0.5, "c has '0.5', which is no whole number"),
        (pl.String(), 5, "c has '5', which is not text"),
        (pl.Boolean(), "yes", "c has 'yes', which is not true or false"),
    ],
)
def test_what_is_no_value_of_its_column_is_not_guessed(kind, value, why):
    with pytest.raises(UnreadableValueError) as error:
        read_value("c", kind, value)

    assert str(error.value) == why
