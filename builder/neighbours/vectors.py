"""Vectors as they lie in a column, as one matrix, and what is refused of them."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from builder.errors import RunError

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

LARGEST: Final = 1e12
"""The largest absolute value of a component: squares of it still add up in float32."""

_BLOCK: Final = 4096


def matrix(binary: pl.Series) -> Floats:
    """Return the n x d matrix of a Binary column whose values are d little-endian float32 each.

    It is a copy, 4 d bytes a row. Raises `RunError` when a value is null, empty, no whole number
    of float32, or wider or narrower than the first one.
    """
    sizes = binary.bin.size()
    width = sizes[0] if binary.len() else 4
    if not width or width % 4:
        raise _misfit(0, width, "a whole number of float32, 4 bytes each")
    strangers = (sizes.is_null() | (sizes != width)).arg_true()
    if strangers.len():
        row = int(strangers[0])
        raise _misfit(row, sizes[row], f"{width} bytes, as in row 0")
    whole = np.empty((binary.len(), width // 4), dtype=np.float32)
    for start in range(0, binary.len(), _BLOCK):
        piece = b"".join(binary.slice(start, _BLOCK))
        whole[start : start + _BLOCK] = np.frombuffer(piece, dtype="<f4").reshape(-1, width // 4)
    return whole


def _misfit(row: int, seen: int | None, wanted: str) -> RunError:
    found = "nothing" if seen is None else f"{seen} bytes"
    return RunError(
        f"the embedding of row {row} (counted from 0) holds {found}, not {wanted}",
        mend="Vectors are compared only where one model wrote them all. Embed these rows anew.",
    )


def checked(vectors: Floats) -> Floats:
    """Return `vectors`, n x d with d > 0, once they can be compared.

    Raises `RunError` when a component is no number or larger than `LARGEST`, `ValueError` when it
    is no matrix of float32.
    """
    if vectors.ndim != 2 or vectors.dtype != np.float32 or not vectors.shape[1]:
        raise ValueError(f"not an n x d matrix of float32: {vectors.dtype} {vectors.shape}")
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        good = (np.abs(block) <= LARGEST).all(axis=1)
        if not good.all():
            row = start + int(np.argmin(good))
            raise RunError(
                f"the embedding at position {row} (counted from 0) holds what is no number that "
                f"can be compared: not finite, or beyond {LARGEST:.0e}",
                mend="Embed this row anew, or drop it by a rule before its neighbours are sought.",
            )
    return vectors
