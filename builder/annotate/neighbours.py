"""How near a row's instruction lies to those of the other rows.

The columns are those of the published sets (data-set cards of Magpie-Align on the Hub, which give
squared L2 of all-mpnet-base-v2 vectors and 0.05 for a repeat). They are known once all rows are
there, so selecting writes them. The paper drops a row at distance 0 from an earlier one;
`drop_within: 0` does so before the row is judged or answered.
"""

from __future__ import annotations

from typing import Final

import polars as pl
from pydantic import Field

from builder.annotate.base import Annotator, Cost, Options, Output


class NeighboursOptions(Options):
    """Two distances, squared L2 of unit vectors: 0 is the same vector, 4 the opposite one."""

    within: float = Field(default=0.05, ge=0, le=4, description="a number from 0 to 4")
    """How near another row counts as a repeat."""
    drop_within: float | None = Field(
        default=None, ge=0, le=4, description="a number from 0 to 4, or null"
    )
    """A row this near to an earlier one that stays is dropped before it is judged or answered."""
    exact_up_to: int = Field(default=50_000, ge=0, description="a number of rows")
    """Different vectors up to which the nearest is sought among all. Beyond, the distance of rows
    that no other is `within` is approximate, and the card tells how often it is right."""


ANNOTATOR: Final = Annotator(
    name="neighbours",
    version=1,
    summary="the distance to the nearest other instruction, and how many are repeats of it",
    reads=("embedding",),
    writes={
        "min_neighbor_distance": Output(
            pl.Float64(), "squared L2 distance of the embedding to that of the nearest other row"
        ),
        "repeat_count": Output(pl.Int64(), "how many other rows lie within the recipe's `within`"),
        "min_similar_uuid": Output(pl.String(), "uuid of the first of these, null without one"),
    },
    start=None,
    options=NeighboursOptions,
    cost=Cost.VECTORS,
)
