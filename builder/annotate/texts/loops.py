"""How much of a text says again what it said before.

The measures are those of Gopher's authors (Rae et al. 2021, arXiv 2112.11446, appendix A1.1 and
table A1): the share of characters in n-grams of words, and in lines, that came before. As guidance
they drop documents over 0.15 for 5-grams and over 0.20 for lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from builder.annotate.texts.words import is_blankless, marked_words

GRAM: Final = 5
"""Words of an n-gram: the shortest for which table A1 counts all duplicates."""

LETTERS: Final = 10
"""Letters of an n-gram in scripts without blanks, where a word has two letters or so."""

PIECE: Final = 8
"""Characters of the pieces that words of more than `LONGEST` are cut into."""

LONGEST: Final = 40
"""Characters of the longest word. A loop may hold no blank at all."""

_MARKER: Final = re.compile(r"^[\s#>*+|•-]*(?:\d{1,6}[.):])?[\s*_]*")
"""What stands before an item of a list: a loop may well count its rounds."""


def repetition(text: str) -> float:
    """Return the share of the text, 0 to 1, that repeats what stands before it.

    The larger of two: the share of characters in n-grams, and in lines, that occurred before; the
    first occurrence is no repetition. `"and so on and so on and so on"` -> 0.67. Blanks weigh
    nothing, lower and upper case are equal, and a text without words has 0. Takes time and memory
    in proportion to the text.
    """
    return max(_repeated_grams(_pieces(marked_words(text))), _repeated_lines(text))


def _pieces(words: Sequence[str]) -> list[str]:
    cut: list[str] = []
    for word in words:
        if len(word) <= LONGEST:
            cut.append(word)
        else:
            cut += [word[start : start + PIECE] for start in range(0, len(word), PIECE)]
    return cut


def _repeated_grams(words: Sequence[str]) -> float:
    """Share of the characters that an n-gram covers which occurred before."""
    letters = sum(len(word) == 1 and is_blankless(word) for word in words)
    size = LETTERS if letters * 2 > len(words) else GRAM
    seen: set[tuple[str, ...]] = set()
    covered = end = 0
    for start, gram in enumerate(zip(*(words[shift:] for shift in range(size)), strict=False)):
        if gram in seen:
            covered += sum(map(len, words[max(start, end) : start + size]))
            end = start + size
        else:
            seen.add(gram)
    return covered / max(1, sum(map(len, words)))


def _repeated_lines(text: str) -> float:
    """Share of the characters in lines that occurred before, list markers aside."""
    seen: set[str] = set()
    repeated = total = 0
    for line in text.splitlines():
        plain = " ".join(_MARKER.sub("", line, count=1).casefold().split())
        total += len(plain)
        if plain in seen:
            repeated += len(plain)
        seen.add(plain)
    return repeated / max(1, total)
