"""Equal vectors taken together, so that ten thousand twins cost as much as one row.

The distinct vectors stand in the order of a digest of their bytes. That order knows nothing of
row numbers: whatever is computed on it, and any sample that is a beginning of it, is the same
however the rows came. It is as good as a random one, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np

from builder.neighbours.vectors import Floats, Ints

DIGEST_BYTES: Final = 16
"""Bytes of a digest. Of 10**9 different vectors two share one with probability 1e-21."""

_BLOCK: Final = 4096


@dataclass(frozen=True)
class Distinct:
    """The m distinct vectors of n rows. A vector's number is its place in the digests' order."""

    vectors: Floats
    """n x d, one a row; read, never copied as a whole."""
    of_row: Ints
    """n: the number of each row's vector."""
    first: Ints
    """m: the lowest row that has the vector."""
    second: Ints
    """m: the next row that has it, -1 where there is none."""
    size: Ints
    """m: how many rows have it."""

    def __len__(self) -> int:
        return len(self.first)

    @property
    def width(self) -> int:
        """Components of a vector, d."""
        return int(self.vectors.shape[1])

    def take(self, numbers: Ints) -> Floats:
        """Return a copy of the vectors with these numbers, in this order."""
        return np.ascontiguousarray(self.vectors[self.first[numbers]], dtype=np.float32)


def digests(vectors: Floats) -> list[bytes]:
    """Return a digest of each row: equal for equal vectors, -0.0 being equal to 0.0."""
    found: list[bytes] = []
    for start in range(0, len(vectors), _BLOCK):
        block = np.ascontiguousarray(vectors[start : start + _BLOCK]) + np.float32(0)
        found.extend(blake2b(row.data, digest_size=DIGEST_BYTES).digest() for row in block)
    return found


def distinct(vectors: Floats) -> Distinct:
    """Take equal vectors together."""
    keys = np.frombuffer(b"".join(digests(vectors)), dtype=">u8").reshape(-1, 2).astype(np.uint64)
    order = np.lexsort((keys[:, 1], keys[:, 0]))  # stable: rows of one vector stay ascending
    starts = np.ones(len(keys), dtype=np.bool_)
    starts[1:] = (keys[order[1:]] != keys[order[:-1]]).any(axis=1)
    where = np.flatnonzero(starts)
    size = np.diff(where, append=len(keys))
    second = np.full(len(where), -1, dtype=np.int64)
    second[size > 1] = order[where[size > 1] + 1]
    of_row = np.empty(len(keys), dtype=np.int64)
    of_row[order] = np.cumsum(starts) - 1
    return Distinct(vectors, of_row, order[where], second, size)
