"""The built-in vectors: hashed pieces of a text's spelling. No model, no download.

A text is folded (`text.folded`). Its words and all runs of 3 and of 5 characters in it are counted
in `CELLS` cells, a cell by hash; a count weighs its square root, so that a word said twenty times
does not drown the others. Cells are then added up into `WIDTH` components with signs, which keeps
angles on average (feature hashing: Weinberger et al., arXiv 0902.2206). Two texts lie close when
they are spelled alike: this finds copies and variations, not paraphrases.

A vector is the same on every machine, bit by bit: hashing is arithmetic of 64-bit integers, and
all that is added up is whole numbers, exact in any order. Nothing depends on the other texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from builder.annotate.vectors.backend import Local, Matrix
from builder.text import folded

NAME: Final = "lexical-1"
"""Changes whenever a text may get another vector."""

WIDTH: Final = 384
CELLS: Final = WIDTH << 20
"""Cells in which is counted: so many that hardly two pieces share one. The rest by `WIDTH` is a
cell's component, and whether the quotient is odd is its sign."""

RUNS: Final = (3, 5)
"""Lengths of the runs of characters. A shorter text has none but with the spaces around it."""

WORD: Final = 2
"""How many runs a word weighs."""

FINE: Final = 64
"""Weights are whole numbers of 1/64."""

_Integers = npt.NDArray[np.uint64]

_BASE: Final = 0x9E3779B97F4A7C15  # odd, so it has an inverse modulo 2**64; the golden ratio
_INVERSE: Final = pow(_BASE, -1, 2**64)
_SPACE: Final = 32


def lexical() -> Local:
    """Return the built-in backend."""
    return Local(NAME, encode)


def encode(texts: Sequence[str]) -> Matrix:
    """Return a vector for each text, shape (texts, `WIDTH`), of whole numbers, not normalised."""
    characters, owners = _laid_out(texts)
    pieces = [(*_runs(characters, owners, length), length, 1) for length in RUNS]
    pieces.append((*_words(characters, owners), 0, WORD))
    total = np.zeros(len(texts) * WIDTH)
    for hashes, of, kind, weight in pieces:
        cells, counts = np.unique(of * CELLS + _cells(hashes, kind), return_counts=True)
        signs = 1 - 2 * (cells // WIDTH % 2)
        places = cells // CELLS * WIDTH + cells % WIDTH
        total += np.bincount(places, signs * _weights(counts) * weight, len(total))
    return total.reshape(len(texts), WIDTH).astype(np.float32)


def _laid_out(texts: Sequence[str]) -> tuple[_Integers, npt.NDArray[np.int64]]:
    """All folded texts after one another, a space at each end, and whose each character is."""
    spaced = [f" {folded(text)} " for text in texts]
    data = "".join(spaced).encode("utf-32-le", "surrogatepass")
    characters = np.frombuffer(data, "<u4").astype(np.uint64)
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in spaced])
    return characters, owners


def _runs(
    characters: _Integers, owners: npt.NDArray[np.int64], length: int
) -> tuple[_Integers, npt.NDArray[np.int64]]:
    """Hashes of all runs of so many characters within a text, and whose they are."""
    count = max(0, len(characters) - length + 1)
    hashes = np.zeros(count, np.uint64)
    for place in range(length):
        hashes = hashes * np.uint64(_BASE) + characters[place : place + count]
    inside = owners[:count] == owners[length - 1 :]
    return hashes[inside], owners[:count][inside]


def _words(
    characters: _Integers, owners: npt.NDArray[np.int64]
) -> tuple[_Integers, npt.NDArray[np.int64]]:
    """Hashes of all words, which are what stands between spaces, and whose they are.

    A word's hash is the difference of two sums of `character * base**place`, moved to place 0.
    """
    powers, inverses = _powers(_BASE, len(characters)), _powers(_INVERSE, len(characters))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(characters * powers)])
    blank = characters == _SPACE
    begins = np.flatnonzero(blank[:-1] & ~blank[1:]) + 1
    ends = np.flatnonzero(~blank[:-1] & blank[1:]) + 1
    return (sums[ends] - sums[begins]) * inverses[begins], owners[begins]


def _powers(base: int, count: int) -> _Integers:
    """The powers of `base` from 0 on, modulo 2**64."""
    factors = np.full(count, base, np.uint64)
    factors[:1] = 1
    return np.cumprod(factors)


def _cells(hashes: _Integers, kind: int) -> npt.NDArray[np.int64]:
    """Well mixed cells of hashes; each kind of piece has a mixing of its own."""
    return (_mixed(hashes + np.uint64(kind * _BASE % 2**64)) % np.uint64(CELLS)).astype(np.int64)


def _mixed(values: _Integers) -> _Integers:
    """Spread what differs over all 64 bits: the finaliser of SplitMix64 (Steele et al., 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _weights(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Square roots, as whole numbers of `1 / FINE`. IEEE 754 rounds them alike everywhere."""
    weights: npt.NDArray[np.int64] = np.sqrt(counts * float(FINE**2)).astype(np.int64)
    return weights
