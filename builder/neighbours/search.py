"""Of each row: its nearest other row, how many lie within a bound, and the first of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from builder.neighbours.cells import PROBES, cells_of
from builder.neighbours.distinct import Distinct, distinct
from builder.neighbours.gauge import Gauge
from builder.neighbours.leaders import leaders
from builder.neighbours.pairs import pairs_within
from builder.neighbours.tally import NOBODY, Tally
from builder.neighbours.vectors import Doubles, Floats, Ints, checked
from builder.neighbours.walk import among, crossed, near_blocks

__all__ = ["EXACT_UP_TO", "Found", "find", "leaders", "pairs_within"]

EXACT_UP_TO: Final = 50_000
"""Distinct vectors up to which all pairs are compared: some ten seconds at 768 components."""

SAMPLE: Final = (1_000, 5_000)
"""Fewest and most vectors that the recall is measured on; between, see `SAMPLED_PAIRS`."""

SAMPLED_PAIRS: Final = 400_000_000
"""The sample is as large as makes so many pairs with all vectors."""

GOOD: Final = 0.999
"""The recall of that sample at which no more cells are searched."""


@dataclass(frozen=True)
class Found:
    """What was found of n rows, in their order. Distances are squared L2."""

    distance: Doubles
    """To the nearest other row; 0 for an exact twin, nan where there is no other row."""
    count: Ints
    """Other rows at a distance of at most `within`."""
    first: Ints
    """The lowest position of these, -1 where there is none."""
    exact: bool
    """Whether every distance is that of brute force. Counts and first rows always are."""
    recall: float | None
    """Share of a sample of vectors whose distance is that of brute force; None where exact."""


def find(vectors: Floats, within: float, exact_up_to: int = EXACT_UP_TO) -> Found:
    """Say of each row of `vectors` (n x d float32, by row number) what its neighbours are.

    Up to `exact_up_to` distinct vectors all pairs are compared. Beyond, `count` and `first` stay
    exact, and so does `distance` wherever a row has another within the bound; for the others it
    is that to the nearest in the cells around, and `recall` tells how often that is the nearest
    (a sample of vectors is compared with all; below `GOOD` more cells are searched, up to 32).
    The result is a function of rows and vectors alone, to the last bit: no order, shard or seed
    enters it. (Of distances that are not exact this holds on machines of one kind.) `vectors` may
    be memory-mapped. Raises `RunError` when they cannot be compared.
    """
    known = distinct(checked(vectors))
    gauge = Gauge(known)
    tally = Tally(gauge, within)
    if len(known) > max(exact_up_to, 2):
        return _by_rows(known, tally, _by_cells(gauge, tally, within**0.5))
    for left, right in among(np.arange(len(known))):
        tally.add(left, right)
    return _by_rows(known, tally, None)


def _by_cells(gauge: Gauge, tally: Tally, radius: float) -> float:
    """All pairs within the radius, then the nearest of those vectors that are in none.

    That is sought in more and more cells until a sample's recall is good. Returns it.
    """
    cells = cells_of(gauge, radius)
    for left, right in near_blocks(gauge, cells, radius):
        tally.add(left, right)
    truth = _sampled(gauge)
    recall, done = 0.0, 0
    lonely = np.flatnonzero((tally.count == 0) & (gauge.of.size == 1))
    for ranks in PROBES:
        for members, asking in cells.probing(lonely, slice(done, ranks)):
            for left, right in crossed(asking, members):
                tally.probe(left, right)
        recall, done = float((tally.best[: len(truth)] == truth).mean()), ranks
        if recall >= GOOD:
            break
    stray = np.flatnonzero(np.isinf(tally.best))  # alone in all cells around it
    for left, right in crossed(stray, np.arange(len(gauge.of))):
        tally.probe(left, right)
    return recall


def _sampled(gauge: Gauge) -> Doubles:
    """Distances of the first vectors, which their digests chose at random, by brute force."""
    truth = Tally(gauge, 0.0)
    size = min(max(SAMPLED_PAIRS // len(gauge.of), SAMPLE[0]), SAMPLE[1], len(gauge.of))
    sample = np.arange(size)
    for left, right in crossed(sample, np.arange(len(gauge.of))):
        truth.probe(left, right)
    return truth.best[sample]


def _by_rows(known: Distinct, tally: Tally, recall: float | None) -> Found:
    """Hand what is known of the vectors to their rows; a row's twins are neighbours, too."""
    of_row = known.of_row
    rows = np.arange(len(of_row))
    twin = np.where(known.first[of_row] == rows, known.second[of_row], known.first[of_row])
    twin[twin < 0] = NOBODY
    first = np.minimum(tally.first[of_row], twin)
    first[first == NOBODY] = -1
    distance = tally.best[of_row]
    distance[np.isinf(distance)] = np.nan
    count = tally.count[of_row] + known.size[of_row] - 1
    return Found(distance, count, first, recall is None, recall)
