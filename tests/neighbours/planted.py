"""Vectors with planted neighbours, and brute force over them in float64."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def unit(vectors: NDArray[np.float64]) -> Floats:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def planted(rows: int, width: int, seed: int = 0) -> Floats:
    """Clusters of unit vectors; 3 % twins, 5 % near ones, some triples, chains, a crowd of twins.

    A chain is a - b - c - d - e with steps of 0.15: squared 0.0225 and, over one link, 0.09.
    """
    random = np.random.default_rng(seed)
    centres = random.standard_normal((max(2, rows // 50), width))
    found = unit(
        centres[random.integers(0, len(centres), rows)]
        + random.uniform(0.5, 1.2, (rows, 1)) * random.standard_normal((rows, width))
    )
    order = random.permutation(rows)
    twins, near, crowd = rows * 3 // 100, rows * 5 // 100, rows // 100
    cuts = np.cumsum([twins, near, crowd, rows // 200 * 5])
    one, other, many, chained, rest = np.split(order, cuts)
    found[one] = found[rest[:twins]]
    triples = one[: twins // 10 * 2]
    found[triples] = found[rest[twins : twins + len(triples) // 2]].repeat(2, axis=0)
    step = unit(random.standard_normal((near, width))) * random.uniform(0, 0.3, (near, 1))
    found[other] = unit(found[rest[-near:]] + step)
    found[many] = found[many[0]]
    for chain in chained.reshape(-1, 5):
        along = unit(random.standard_normal((1, width)))[0]
        along = along - (along @ found[chain[0]]) * found[chain[0]]
        angle = 2 * np.arcsin(0.075) * np.arange(5)[:, None]
        found[chain] = unit(
            np.cos(angle) * found[chain[0]] + np.sin(angle) * along / np.linalg.norm(along)
        )
    return found


@dataclass(frozen=True)
class Truth:
    """`near` are all ordered pairs (i, j), i != j, within the bound, sorted by i, then j."""

    distance: NDArray[np.float64]
    near: tuple[Ints, Ints]

    def count(self) -> Ints:
        return np.bincount(self.near[0], minlength=len(self.distance))

    def first(self, place: Ints) -> Ints:
        """The lowest place of a near row, where row i stands at `place[i]`."""
        found = np.full(len(place), len(place))
        np.minimum.at(found, self.near[0], place[self.near[1]])
        found[found == len(place)] = -1
        return found

    def leaders(self, rows: Ints) -> Ints:
        """Greedy over some rows in ascending order; the others are not there."""
        ends = np.searchsorted(self.near[0], np.arange(len(self.distance) + 1))
        leader = np.full(len(self.distance), -2)
        for row in np.sort(rows):
            before = [
                one
                for one in self.near[1][ends[row] : ends[row + 1]]
                if one < row and leader[one] == -1
            ]
            leader[row] = min(before, default=-1)
        return leader


def brute(vectors: Floats, within: float) -> Truth:
    exact = vectors.astype(np.float64)
    norms = (exact**2).sum(axis=1)
    distance = np.empty(len(exact))
    pairs = []
    for row in range(0, len(exact), 1000):
        block = exact[row : row + 1000]
        squared = norms[row : row + 1000, None] + norms - 2 * block @ exact.T
        squared[np.arange(len(block)), row + np.arange(len(block))] = np.inf
        nearest = squared.argmin(axis=1)
        distance[row : row + 1000] = ((block - exact[nearest]) ** 2).sum(axis=1)
        hits = np.flatnonzero(squared <= within)
        pairs.append((row + hits // len(exact), hits % len(exact)))
    left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return Truth(distance, (left, right))


@cache
def large() -> tuple[Floats, Truth]:
    """20,000 vectors, and what is true of them within 0.05."""
    vectors = planted(20_000, 64)
    return vectors, brute(vectors, 0.05)
