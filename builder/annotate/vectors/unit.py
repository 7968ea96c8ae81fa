"""From a model's vectors to what is stored: unit length, little-endian float32, or a reason."""

from __future__ import annotations

from typing import Final

import numpy as np

from builder.annotate.vectors.backend import Matrix

STORED: Final = np.dtype("<f4")
"""How a vector lies in its column, whatever the machine."""

Packed = bytes | str
"""A vector as stored, or why there is none. The two cannot be mixed up."""


def unit(matrix: Matrix) -> list[Packed]:
    """Return each row at unit length as bytes; for one that has no direction, the reason.

    Lengths are taken in float64: a float32 one overflows at 2e19, and components of a vector may
    be as large as a model likes.
    """
    exact = matrix.astype(np.float64)
    finite = np.asarray(np.isfinite(exact).all(axis=1))
    exact[~finite] = 0.0
    lengths = np.sqrt(np.einsum("ij,ij->i", exact, exact))
    scaled = (exact / np.where(lengths > 0, lengths, 1.0)[:, None]).astype(STORED)
    return [
        row.tobytes() if length > 0 else _reason(bool(is_finite))
        for row, length, is_finite in zip(scaled, lengths, finite, strict=True)
    ]


def _reason(is_finite: bool) -> str:
    if is_finite:
        return "the model gives the text a vector of zeros: it knows none of its words"
    return "the model gives the text a vector with a component that is no number"
