"""When a word of a judge is one of the labels: the same letters, and nothing else.

`"Very_Easy."` is `very easy`, `coding and debugging` is `Coding & Debugging`; `Coding` is neither
this nor anything else. A label is never guessed from its beginning.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence

from builder.annotate.judging.reply import UnusableReplyError

LONGEST_QUOTED = 40
"""Characters of an unknown label that its error repeats; the whole reply is kept beside it."""


def read_label(
    key: str, value: object, labels: Sequence[str], also: Mapping[str, str] | None = None
) -> str:
    """The label that a judge meant by the value of `key`.

    `also` maps other words to the label that they stand for. Raises `UnusableReplyError` where it
    is no label.
    """
    if not isinstance(value, str):
        raise UnusableReplyError(f'"{key}" is {_quoted(value)}, not a text')
    known = {_letters(word): label for word, label in (also or {}).items()}
    known |= {_letters(label): label for label in labels}
    label = known.get(_letters(value))
    if label is None:
        raise UnusableReplyError(f'"{key}" has {_quoted(value)}, which is no label of it')
    return label


def _letters(word: str) -> str:
    """What of a word counts: small letters, digits, and signs that could change its meaning.

    White space, punctuation and the backtick of Markdown do not count; `>` and `+` do.
    """
    kept = (
        mark
        for mark in word.casefold().replace("&", "and")
        if not mark.isspace() and mark != "`" and unicodedata.category(mark)[0] != "P"
    )
    return "".join(kept)


def _quoted(value: object) -> str:
    """A value as JSON on one line, cut where it is long."""
    text = json.dumps(value)
    return text if len(text) <= LONGEST_QUOTED else f"{text[:LONGEST_QUOTED]}..."
