"""What ends a generation: read off the turns that the chat template writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from builder.recipe.cut import Cut
from builder.recipe.tokenizer_files import TokenizerFiles

_LIKE_TOKENS: Final = re.compile(r"<[|｜][^<>|｜\s]{1,60}[|｜]>|</?[a-z]+(?:_[a-z]+)+>|</?s>")
"""Texts that are tokens in all models that write them, listed in the tokenizer files or not."""

_MARKERS: Final = re.compile(r"\[/?[A-Z_]+\]|#+ ?[A-Z][\w ]*:?|[A-Z][A-Za-z_ ]{0,30}:")
"""Plain text that begins a turn: `[/INST]`, `### Response:`, `ASSISTANT:`."""


def find_stops(cut: Cut, files: TokenizerFiles) -> tuple[str, ...]:
    """Return the texts that end a generation, the most telling first.

    1. what the template writes right after the user's words, and after an answer: a closed turn;
    2. the model's end-of-text tokens;
    3. plain markers between turns, then all tokens around turns: a model that writes one of
       them has begun a turn that is not its own.
    """
    begin = files.bos
    after_user, after_answer = (_marks(text, files) for text in (cut.after, cut.to_user))
    between = [*after_user, *_marks(cut.to_answer, files), *after_answer]
    tokens = set(_tokens(f"{cut.before}{cut.after}{cut.to_user}", files))
    ends = [*files.ends, files.special.get("eos_token", "")]
    if any(mark in tokens for mark in after_user):  # turns have tokens: text in them is just text
        between = [mark for mark in between if mark in tokens or mark in after_user]
    plain = [mark for mark in between if mark not in tokens]
    ordered = [
        *after_user[:1],
        *(mark for mark in after_answer[:1] if mark in tokens),
        *ends,
        *plain,
        *between,
        *_tokens(cut.before, files),
    ]
    return tuple(s for s in dict.fromkeys(ordered) if s and (s != begin or s in ends))


def _marks(text: str, files: TokenizerFiles) -> list[str]:
    """Return the tokens and plain markers of a text between turns, in their order."""
    marks = []
    position = 0
    for start, token in _found(text, files):
        marks += [*_plain(text[position:start], alone=False), token]
        position = start + len(token)
    return [*marks, *_plain(text[position:], alone=position == 0)]


def _plain(text: str, *, alone: bool) -> Iterator[str]:
    """Return the plain markers of a text without tokens.

    A bare word such as `assistant` after a token is no marker: people write it too. Where it
    stands `alone` it is all there is, and its line breaks make it one.
    """
    markers = [mark.strip() for mark in _MARKERS.findall(text)]
    yield from markers
    if alone and not markers and text.strip():
        yield text.rstrip()


def _tokens(text: str, files: TokenizerFiles) -> Iterable[str]:
    return (token for _, token in _found(text, files))


def _found(text: str, files: TokenizerFiles) -> list[tuple[int, str]]:
    """Return the tokens in a text with where they begin, longest first where two overlap."""
    declared = sorted((t for t in files.added if t.strip()), key=len, reverse=True)
    pattern = "|".join([*(re.escape(token) for token in declared), _LIKE_TOKENS.pattern])
    return [(match.start(), match[0]) for match in re.finditer(pattern, text)]
