"""The words of a text in any script, for comparing texts with each other.

A word is what GPT-3's authors call a gram: "lower case, white-space delimited, with no
punctuation" (Brown et al. 2020, arXiv 2005.14165, appendix C). Scripts that put no blanks between
words have none of those, so there each letter stands for a word.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_BLANKLESS: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # CJK, extension A
    (0x4E00, 0x9FFF),  # CJK
    (0xF900, 0xFAFF),  # CJK, compatibility
    (0x20000, 0x3FFFF),  # CJK, later extensions
)
"""First and last code point of blocks whose scripts write no blanks between words
(The Unicode Standard, Blocks.txt; Unicode Standard Annex 29, section 4.1)."""


def is_blankless(character: str) -> bool:
    """Tell whether a letter belongs to a script that writes no blanks between words."""
    return any(first <= ord(character) <= last for first, last in _BLANKLESS)


class _Apart(dict[int, str]):
    """For `str.translate`: blanks around what is a word alone. Filled as characters turn up."""

    def __init__(self, *, punctuation: bool) -> None:
        super().__init__()
        self._punctuation = punctuation

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        if kind == "So" or (kind == "Lo" and is_blankless(character)):
            self[code] = f" {character} "  # an emoji says something too
        elif kind[0] in "ZC" or (kind[0] in "PS" and not self._punctuation):
            self[code] = " "
        else:
            self[code] = character
        return self[code]


_BARE: Final = _Apart(punctuation=False)
_WHOLE: Final = _Apart(punctuation=True)


def words(text: str) -> list[str]:
    """Return the words without punctuation and symbols, folded, in their order.

    `"What's Ａ-B? 你好"` -> `["what", "s", "a", "b", "你", "好"]`: compatibility forms and case are
    folded (NFKC, Unicode's full case folding), so that a copy in other letters is still a copy.
    """
    plain = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text.casefold())
    return plain.translate(_BARE).split()


def marked_words(text: str) -> list[str]:
    """Return the words with the punctuation that clings to them, in lower case.

    `"| a | (B)"` -> `["|", "a", "|", "(b)"]`: a loop may well be one of signs.
    """
    return text.casefold().translate(_WHOLE).split()
