"""What a text is before it gets a vector."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def whole(text: str) -> str:
    """Return the text with a replacement character for each lone surrogate.

    No tokenizer and no JSON takes one; two that belong together become their character.
    """
    if _SURROGATES.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def fold(text: str) -> str:
    """Return what of a text counts for the lexical backend: form, case and white space do not.

    `"  Wie  groß\\n ist ﬁ?"` -> `"wie gross ist fi?"`. The same texts are equal as for the rule
    on duplicates: compatibility caseless matching (The Unicode Standard, definition D146, with
    NFKC), with any run of white space as one space.
    """
    if not text.isascii():
        for _ in range(2):  # what folding takes apart may compose to something that folds again
            text = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
        return " ".join(text.split())
    return " ".join(text.lower().split())
