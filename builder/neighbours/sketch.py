"""A sketch of a vector: 64 numbers that are never farther apart than the vectors themselves.

The vector is turned so that most of its variance lies in its first 62 components; these are kept,
and of the others only their length. By the triangle inequality on the remainder two sketches are
at most as far apart as their vectors, so pairs whose sketches are too far apart can be left out,
and nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from builder.neighbours.gauge import UNIT, Scratch, upward
from builder.neighbours.vectors import Doubles, Floats, Ints

KEPT: Final = 62
"""Components that are kept. With the remainder's length and a term for the product it is 64."""

_ROUNDS: Final = 3  # of subspace iteration: more turn the basis by next to nothing


@dataclass(frozen=True)
class Sketch:
    """How vectors of one set are sketched."""

    mean: Doubles
    basis: Doubles
    """d x p: orthonormal columns, or zero."""

    def of(self, vectors: Floats) -> Floats:
        """Return n x (p + 2): components, the remainder's length, and minus half the square."""
        turned = vectors - self.mean
        kept = turned @ self.basis
        rest = np.einsum("ij,ij->i", turned, turned) - np.einsum("ij,ij->i", kept, kept)
        found = np.empty((len(vectors), kept.shape[1] + 2), dtype=np.float32)
        found[:, :-2] = kept
        found[:, -2] = np.sqrt(np.maximum(rest, 0))
        seen = found[:, :-1].astype(np.float64)
        found[:, -1] = np.einsum("ij,ij->i", seen, seen) / -2
        return found


def sketch_of(sample: Floats) -> Sketch:
    """Find the directions in which a sample (n x d) varies most, by subspace iteration.

    Any orthonormal basis gives a correct sketch; a good one leaves out more.
    """
    mean = sample.mean(axis=0, dtype=np.float64)
    centred = sample - mean
    basis = _orthonormal(centred[: min(KEPT, sample.shape[1])])
    for _ in range(_ROUNDS):
        basis = _orthonormal(((centred @ basis).T) @ centred)
    return Sketch(mean, basis)


def _orthonormal(rows: Doubles) -> Doubles:
    """Return the rows as columns made orthonormal; one that others span becomes zero.

    Gram and Schmidt's way, each twice, which is enough (L. Giraud, J. Langou, M. Rozloznik, The
    loss of orthogonality in the Gram-Schmidt orthogonalization process, 2005).
    """
    basis = np.zeros_like(rows)
    for place, row in enumerate(rows):
        rest, length = row, float(np.linalg.norm(row))
        for _ in range(2):
            rest = rest - (basis[:place] @ rest) @ basis[:place]
        left = float(np.linalg.norm(rest))
        if left > 1e-10 * length:
            basis[place] = rest / left
    return np.ascontiguousarray(basis.T)


def reach(radius: float, width: int, largest: float) -> float:
    """Return the squared distance that sketches of vectors within `radius` may have.

    `width` is that of the vectors, `largest` their largest squared norm. Added to the radius are
    the error of the remainder's length, a square root of a difference in float64, and the
    rounding of the sketches to float32; a centred vector is at most twice as long as the longest.
    """
    longest = 2 * largest**0.5
    return float(radius * (1 + 1e-6) + longest * (4 * (width * 2.0**-52) ** 0.5 + 4 * UNIT)) ** 2


def passing(asked: Floats, stored: Floats, bound: float, scratch: Scratch) -> NDArray[np.bool_]:
    """Flag the pairs of sketches whose squared distance is at most `bound`, and few others.

    To be used before the next are asked for. |x - y|^2 <= bound where x.y - |y|^2 / 2 is at least
    (|x|^2 - bound) / 2: the product says it at one go, its last column being minus |y|^2 / 2.
    """
    questions = asked.copy()
    questions[:, -1] = 1
    least = (-2 * asked[:, -1].astype(np.float64) - bound) / 2
    longest = max(-2 * float(asked[:, -1].min()), -2 * float(stored[:, -1].min()))
    least -= (asked.shape[1] + 8) * UNIT * 2 * longest
    product = scratch.product(questions, stored)
    flags = scratch.flags(product.shape)
    np.greater_equal(product, -upward(-least)[:, None], out=flags)
    return flags


def survivors(flags: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return the rows and the columns that hold a flag."""
    hits = np.flatnonzero(flags)
    if not hits.size:
        return hits, hits
    return np.unique(hits // flags.shape[1]), np.unique(hits % flags.shape[1])
