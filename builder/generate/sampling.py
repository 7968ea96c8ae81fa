"""What a row is sampled with: a function of (recipe seed, row number) alone.

So a row can be sampled by any process, in any order, at any time, and comes out the same.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

from builder.recipe.schema import SweepPoint

GOLDEN = 0x9E3779B97F4A7C15
"""2**64 / golden ratio, odd. Its multiples, taken modulo a power of two, spread as evenly as any
sequence can: the three-distance theorem (Knuth, The Art of Computer Programming 3, 6.4)."""

SEED_BITS = 31
"""Engines agree on this many: llama.cpp keeps 2**32 - 1 for "random", JSON readers fear 2**63."""


def sweep_point(seed: int, row: int, sweep: Sequence[SweepPoint]) -> SweepPoint:
    """The point of the sweep that a row is sampled at.

    Any prefix of the rows holds the points in the proportion of their weights, to within a few
    rows: nobody has to finish a run for its sweep to be balanced.
    """
    share = (_start(seed, "sweep") + row * GOLDEN) % 2**64 / 2**64
    target = share * sum(point.weight for point in sweep)
    for point in sweep:
        target -= point.weight
        if target < 0:
            return point
    return sweep[-1]


def row_seed(seed: int, row: int, stage: str) -> int:
    """The seed that a stage hands to the engine for a row, 0 to 2**31 - 1.

    Different rows get different seeds (up to 2**31 rows): an odd step visits all residues.
    """
    step = GOLDEN >> (64 - SEED_BITS) | 1
    return (_start(seed, stage) + row * step) % (1 << SEED_BITS)


def row_uuid(fingerprint: str, row: int) -> str:
    """The identity of a row: the same for the same shape of recipe and row number, for ever."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"magpie:{fingerprint}:{row}"))


def _start(seed: int, stage: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{stage}:{seed}".encode()).digest()[:8], "big")
