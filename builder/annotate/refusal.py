"""Whether a response refuses or deflects: "I'm sorry, but I can't help with that."

A cheap detector of wordings (`texts.refusals`), for English, German, French, Italian, Portuguese
and Spanish. It reads the first sentences alone, because assistants refuse at once, and there only
what the assistant says itself: neither quotes nor code, nothing of a response that begins as a
letter or as a heading does, and no wording that the instruction brought along, as one that asks
for a translation may. A refusal in other words, or later on, is not found: the reward or a judge
sees those.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from builder.annotate.base import Annotator, Options, Output, Pure, Row, Tools, Values
from builder.annotate.texts.prose import without_spans
from builder.annotate.texts.refusals import REFUSAL

OPENING: Final = 600
"""Characters of a response that are read."""

SENTENCES: Final = 3
"""Sentences of them: an apology, a reason, and the refusal."""

_QUOTED: Final = re.compile(r'"[^"]*"|“[^”]*”?|«[^»]*»?|„[^“”]*[“”]?|^[ \t]*>.*$', re.M)

_SENTENCE: Final = re.compile(r"(?<=[.!?…])\s+|\n+")

_LETTER: Final = re.compile(
    r"\s*(?:[#_\[(|-]|\* |\w+ ?\d*:(?:\s|$)|(?:subject|betreff|objet|oggetto|asunto|assunto)\b|"
    r"(?:dear|hello|hi|hey|sehr geehrte|liebe|lieber|cher|chère|querid[oa]|estimad[oa]|car[oa]|"
    r"gentile|prezad[oa]) [^,.!?\n]{1,60},?[ \t]*\n|(?:here|below) (?:is|are|'s)\b|"
    r"(?:sure|certainly|of course|absolutely)\b)",
    re.I,
)
"""How a letter, a heading, a list, a dialogue (`Anna: ...`) or an answer that complies begins."""


def refusal_phrase(instruction: str, response: str) -> str | None:
    """Return the words, folded, by which a response refuses or deflects; None where it does not.

    `"I’m sorry, but I can’t help with that."` -> `"i'm sorry, but i can't help"`.
    """
    opening = response.lstrip()[:OPENING]
    if _LETTER.match(opening):
        return None
    said = _QUOTED.sub(" ", without_spans(opening))
    for sentence in [part for part in _SENTENCE.split(said) if part.strip()][:SENTENCES]:
        match = REFUSAL.match(_folded(sentence))
        if match:
            brought = REFUSAL.search(_folded(instruction[:OPENING]))
            return None if brought else match.group()
    return None


def _folded(text: str) -> str:
    straight = text.replace("’", "'").replace("*", "").replace("¡", "").replace("¿", "")
    return " ".join(straight.casefold().split())


def _say(row: Row) -> Values:
    if row["response"] is None:
        return {}
    phrase = refusal_phrase(row["instruction"] or "", row["response"])
    return {"refusal": phrase is not None, "refusal_phrase": phrase}


async def _start(options: Options, tools: Tools) -> Pure:  # noqa: ARG001
    return Pure(_say)


ANNOTATOR: Final = Annotator(
    name="refusal",
    version=1,
    summary="Whether the response refuses or deflects, told by its opening.",
    reads=("instruction", "response"),
    writes={
        "refusal": Output(
            pl.Boolean(), "whether the response opens with words of refusal or deflection"
        ),
        "refusal_phrase": Output(pl.String(), "those words, in lower case", "raw"),
    },
    start=_start,
    batch=64,
)
