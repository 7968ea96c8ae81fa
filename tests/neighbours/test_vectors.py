from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from builder.errors import RunError
from builder.neighbours.vectors import checked, matrix


def column(*rows: list[float] | None) -> pl.Series:
    made = [None if row is None else np.asarray(row, dtype="<f4").tobytes() for row in rows]
    return pl.Series("embedding", made, dtype=pl.Binary)


def test_a_column_becomes_a_matrix() -> None:
    made = matrix(column([1, 2.5], [-0.0, 3]))
    assert made.dtype == np.float32
    assert made.tolist() == [[1, 2.5], [0, 3]]
    assert matrix(pl.concat([column([1, 2])] * 5000)).shape == (5000, 2)


def test_an_empty_column_has_no_rows() -> None:
    assert matrix(column()).shape == (0, 1)


@pytest.mark.parametrize(
    ("series", "says"),
    [
        (column([1, 2], [1, 2], [1, 2, 3]), "row 2 .* 12 bytes, not 8 bytes, as in row 0"),
        (column([1, 2], None), "row 1 .* nothing, not 8 bytes"),
        (column(None), "row 0 .* nothing, not a whole number of float32"),
        (pl.Series([b"12345"], dtype=pl.Binary), "row 0 .* 5 bytes, not a whole number of float32"),
        (pl.Series([b""], dtype=pl.Binary), "row 0 .* 0 bytes, not a whole number of float32"),
    ],
)
def test_a_value_that_does_not_fit_is_named(series: pl.Series, says: str) -> None:
    with pytest.raises(RunError, match=says):
        matrix(series)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e13])
def test_a_component_that_cannot_be_compared_is_refused(value: float) -> None:
    vectors = np.zeros((5000, 2), dtype=np.float32)
    vectors[4500, 1] = value
    with pytest.raises(RunError, match="position 4500 "):
        checked(vectors)
