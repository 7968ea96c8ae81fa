"""The scripted engine: a deterministic author without a model, for tests and rehearsals.

The same prompt and sampling parameters give the same text on every machine and in any order.
It has the habits of a real one on purpose: it repeats itself now and then, sometimes asks on
several lines, sometimes rambles into the token limit, and closes its turn otherwise. Held to a
JSON schema it writes values that fit, and now and then breaks off.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
from collections.abc import AsyncGenerator
from pathlib import Path

from builder.engines.base import Chunk, FinishReason, SamplingParams
from builder.engines.constraint import schema_of
from builder.engines.scripted_values import invented
from builder.errors import EngineError

VERBS = ("Explain", "Describe", "Compare", "Summarise", "List", "Plan", "Outline", "Question")
TOPICS = (
    "tides", "maps", "bread", "rivers", "clocks", "bridges", "violins", "gardens", "markets",
    "glaciers", "alphabets", "kites", "lanterns", "orchards", "harbours", "telescopes",
)  # fmt: skip
DETAILS = (
    "for a child", "in plain words", "with one example", "in three steps", "for a school paper",
    "without jargon", "and give a source", "as a short table", "in the style of a letter",
)  # fmt: skip
STOCK = ("Tell me a joke.", "What can you do?", "TELL me  a joke.")
"""What it falls back on when it has no idea: the source of exact duplicates."""

RAMBLING = 10_000
"""Words of a text that has no end in sight; the token limit cuts it."""

BROKEN_OFF = 0.02
"""Share of replies in JSON that end before their end, as a token limit ends them."""


class ScriptedEngine:
    """Writes from a seeded generator. One word, with the blank in front of it, is one token."""

    def __init__(self, *, slots: int = 16, delay: float = 0.0, trace: Path | None = None) -> None:
        """`delay` is the pause before each token, in seconds.

        `trace` is a file that gets a JSON line {seed, prompt} for each request that is asked,
        before it is answered: what was asked can then be held against what was kept.
        """
        self.slots = slots
        self.constrained = True
        self._delay = delay
        self._closed = False
        self._trace = _opened(trace) if trace else None

    async def stream(self, prompt: str, params: SamplingParams) -> AsyncGenerator[Chunk]:
        """See `Engine.stream`. Fails only once the engine is closed."""
        self._refuse_closed()
        if self._trace is not None:
            line = json.dumps({"seed": params.seed, "prompt": prompt})
            os.write(self._trace, line.encode() + b"\n")
        words, end = _words(prompt, params)
        for position, word in enumerate(words):
            if position == params.max_tokens:
                yield Chunk("", 0, "length")
                return
            await asyncio.sleep(self._delay)
            self._refuse_closed()
            yield Chunk(word, 1)
        closing = int(end == "stop")  # the token that closes the turn
        yield Chunk("", closing, end)

    async def close(self) -> None:
        """See `Engine.close`."""
        self._closed = True
        if self._trace is not None:
            os.close(self._trace)
            self._trace = None

    def _refuse_closed(self) -> None:
        if self._closed:
            raise EngineError("the engine is closed")


def _opened(trace: Path) -> int:
    try:
        return os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    except OSError as error:
        raise EngineError(
            f"cannot write the trace {trace}: {error.strerror}",
            mend="Name a file in a folder that exists: --set engine.trace=PATH",
        ) from error


def _words(prompt: str, params: SamplingParams) -> tuple[list[str], FinishReason]:
    """All the words of one completion, each with the white space in front of it, and its end."""
    greedy = params.temperature == 0
    sampling = "greedy" if greedy else f"{params.temperature}/{params.top_p}/{params.seed}"
    digest = hashlib.sha256(f"{sampling}\x00{prompt}".encode()).digest()
    author = random.Random(digest)
    chance = author.random()
    if params.schema is not None:
        return _reply(params.schema, author, whole=chance >= BROKEN_OFF)
    if chance < 0.03:
        return _split(" and so on" * (RAMBLING // 3)), "stop"
    if chance < 0.10:
        return _split(author.choice(STOCK)), "stop"
    separator = "\n" if chance < 0.15 else " "
    text = separator.join(_sentence(author) for _ in range(author.randint(1, 6)))
    return _split(text), "stop"


def _reply(schema: str, author: random.Random, *, whole: bool) -> tuple[list[str], FinishReason]:
    value = invented(schema_of(schema), author, lambda: _sentence(author))
    text = json.dumps(value, ensure_ascii=False)
    if whole:
        return _split(text), "stop"
    return _split(text[: author.randrange(1, len(text))]), "length"


def _sentence(author: random.Random) -> str:
    verb, topic, other = author.choice(VERBS), author.choice(TOPICS), author.choice(TOPICS)
    return f"{verb} {topic} and {other} {author.choice(DETAILS)}."


def _split(text: str) -> list[str]:
    """Cut a text into words that still carry the blank before them: joined they are the text."""
    pieces: list[str] = []
    for word in text.replace("\n", " \n").split(" "):
        pieces.append(word if not pieces or word.startswith("\n") else f" {word}")
    return [piece for piece in pieces if piece]
