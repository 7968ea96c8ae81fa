"""What all parts hold of a text: that it can be written, and when two texts are the same."""

from __future__ import annotations

import unicodedata


def writable(text: str) -> str:
    """Return the text without halves of surrogate pairs, which JSON can spell and UTF-8 cannot.

    Two halves that belong together become their character, a lone one the replacement character.
    A model that writes bytes, cut inside of a character, leaves such halves behind.
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def folded(text: str) -> str:
    """Return what of a text counts when it is compared with others.

    `"  Wie  groß\\n ist ﬁ?"` -> `"wie gross ist fi?"`. Unicode's compatibility caseless match
    (The Unicode Standard, definition D146, with NFKC for NFKD), then runs of white space, also
    no-break and ideographic spaces and line ends, become one space and those at the ends nothing.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    for _ in range(2):  # folding undoes composition, and composing may give what folds again
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
    return " ".join(text.split())
