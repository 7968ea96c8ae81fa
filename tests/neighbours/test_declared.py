from __future__ import annotations

import polars as pl
import pytest
from pydantic import ValidationError

from builder.annotate.base import Cost, Needs
from builder.annotate.neighbours import ANNOTATOR, NeighboursOptions
from builder.annotate.registry import annotator
from builder.neighbours.search import EXACT_UP_TO


def test_selecting_writes_the_published_columns() -> None:
    assert annotator("neighbours") is ANNOTATOR
    assert {name: out.kind for name, out in ANNOTATOR.writes.items()} == {
        "min_neighbor_distance": pl.Float64(),
        "repeat_count": pl.Int64(),
        "min_similar_uuid": pl.String(),
    }
    assert {out.place for out in ANNOTATOR.writes.values()} == {"filtered"}
    assert ANNOTATOR.start is None
    assert (ANNOTATOR.needs, ANNOTATOR.cost) == (Needs.NOTHING, Cost.VECTORS)
    assert ANNOTATOR.reads == ("embedding",)


def test_unless_told_otherwise_it_counts_as_the_paper_does_and_drops_nothing() -> None:
    told = NeighboursOptions()
    assert (told.within, told.drop_within, told.exact_up_to) == (0.05, None, EXACT_UP_TO)
    assert NeighboursOptions(drop_within=0.0).drop_within == 0


@pytest.mark.parametrize("told", [{"within": -0.1}, {"within": 4.1}, {"drop_within": 5.0}])
def test_a_distance_that_unit_vectors_cannot_have_is_refused(told: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        NeighboursOptions(**told)
