"""Hashes of the 13-grams of words of texts: what two texts have in common when one is a copy.

13 words is the length by which GPT-3's authors took benchmarks out of their training data, and 8
the fewest that they trusted not to agree by chance (Brown et al. 2020, arXiv 2005.14165, appendix
C). A text of 8 to 12 words is one gram, whole; a shorter one has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from builder.annotate.texts.words import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

WORDS: Final = 13
FEWEST: Final = 8

_STEP: Final = 0x9E3779B97F4A7C15
"""An odd number whose powers tell the places in a gram apart: 2**64 by the golden ratio."""

_PENDING: Final = 1 << 22
"""Hashes that are gathered before they are sorted into the others."""


def gram_hashes(texts: Iterable[str]) -> Hashes:
    """Return hashes of all grams of the texts, uint64, in any order, repeated where they are.

    They hold in this process: Python's own hash of a word differs from run to run.
    """
    import numpy as np  # slow to import

    of_texts = [[hash(word) for word in words(text)] for text in texts]
    lengths = np.array([len(one) for one in of_texts], dtype=np.int64)
    flat = np.array([one for text in of_texts for one in text], dtype=np.int64).view(np.uint64)
    starts = np.cumsum(lengths) - lengths
    grams = [_hashes_at(flat, starts[lengths == size], size) for size in range(FEWEST, WORDS)]
    many = np.maximum(lengths - WORDS + 1, 0)
    # Places of all 13-grams: 0, 1, 2, ... within each text, moved to where the text starts.
    within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    return np.concatenate([*grams, _hashes_at(flat, np.repeat(starts, many) + within, WORDS)])


def _hashes_at(flat: Hashes, starts: Any, size: int) -> Hashes:
    """Sum of the words' hashes, each times the power of `_STEP` of its place, modulo 2**64."""
    import numpy as np

    total = np.full(len(starts), size, dtype=np.uint64)
    for place in range(size):
        total += flat[starts + place] * np.uint64(pow(_STEP, place + 1, 1 << 64))
    return total


class GramSet:
    """Grams of many texts: 8 bytes each, sorted, without those that occur again."""

    def __init__(self) -> None:
        import numpy as np

        self._sorted: Hashes = np.empty(0, dtype=np.uint64)
        self._pending: list[Hashes] = []
        self._waiting = 0

    def add(self, texts: Sequence[str]) -> None:
        """Add all grams of the texts."""
        found = gram_hashes(texts)
        self._pending.append(found)
        self._waiting += len(found)
        if self._waiting >= max(_PENDING, len(self._sorted) // 2):
            self._merge()

    def __len__(self) -> int:
        self._merge()
        return len(self._sorted)

    def holds(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Tell of each hash whether it is among them."""
        import numpy as np

        self._merge()
        if not len(self._sorted):
            return np.zeros(len(hashes), dtype=np.bool_)
        places = np.searchsorted(self._sorted, hashes).clip(max=len(self._sorted) - 1)
        found: NDArray[np.bool_] = self._sorted[places] == hashes
        return found

    def _merge(self) -> None:
        """Sort in what is pending. NumPy 2.4 has `unique` for it, which takes 40 times as long."""
        import numpy as np

        if not self._pending:
            return
        merged = np.concatenate([self._sorted, *self._pending])
        self._pending, self._waiting = [], 0
        merged.sort()
        first = np.ones(len(merged), dtype=np.bool_)
        np.not_equal(merged[1:], merged[:-1], out=first[1:])
        self._sorted = merged[first]
