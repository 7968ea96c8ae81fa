"""Text as these servers send it: cut before the stop string, special tokens left out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from tests.servers.authors import Author, Sampling, Written, tokens
from tests.servers.openai.dialects import Dialect
from tests.servers.openai.request import AnsweredError, Wanted


@dataclass(frozen=True)
class Piece:
    """A piece of text after so many tokens; at the last one why it ended, and what stopped it."""

    text: str
    tokens: int
    reason: str | None = None
    stopped_by: str | int | None = None


class Writer:
    """Serves `author.slots` texts at once; the others queue."""

    def __init__(self, author: Author, dialect: Dialect) -> None:
        self._author = author
        self._dialect = dialect
        self._batch = asyncio.Semaphore(author.slots)
        self.writing = 0

    async def pieces(self, prompt: Sequence[int], wanted: Wanted) -> AsyncGenerator[Piece]:
        """Closing the generator frees the place."""
        async with self._batch:
            self.writing += 1
            try:
                cutter = Cutter(wanted, ends=self._dialect.ends)
                async with contextlib.aclosing(self._tokens(prompt, wanted.sampling)) as written:
                    async for one in written:
                        piece = cutter.after(one)
                        yield piece
                        if piece.reason is not None:
                            return
            except RuntimeError as error:
                raise AnsweredError(500, "InternalServerError", str(error)) from error
            finally:
                self.writing -= 1

    async def _tokens(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Written]:
        """What the author writes, again and again where nothing ends a text."""
        if self._dialect.reply is not None:
            for number, start, stop in tokens().pieces(self._dialect.reply, special=False):
                await asyncio.sleep(0)
                yield Written(number, self._dialect.reply[start:stop], 0.0)
            end = tokens().end_of_turn
            yield Written(end, tokens().special[end], 0.0)
            return
        so_far = list(prompt)
        while True:
            async with contextlib.aclosing(self._author.write(so_far, sampling)) as written:
                async for one in written:
                    so_far.append(one.id)
                    yield one


class Cutter:
    """Finds the end of a text, and holds back what may be the beginning of a stop string."""

    def __init__(self, wanted: Wanted, *, ends: bool) -> None:
        self._wanted = wanted
        self._ends = ends
        self._held = ""
        self._count = 0

    def after(self, written: Written) -> Piece:
        self._count += 1
        ended = self._ends and written.id in tokens().ends
        if not ended and (self._wanted.special or written.id not in tokens().special):
            self._held += written.text
        for stop in self._wanted.stops:
            if stop in self._held:
                return self._last(self._held.partition(stop)[0], "stop", stop)
        if ended:
            return self._last(self._held, "stop", written.id)
        if self._count >= self._wanted.sampling.max_tokens:
            return self._last(self._held, "length", None)
        keep = self._beginning()
        shown, self._held = (
            self._held[: len(self._held) - keep],
            self._held[len(self._held) - keep :],
        )
        return Piece(shown, self._count)

    def _beginning(self) -> int:
        """How many characters at the end may grow into a stop string."""
        longest = 0
        for stop in self._wanted.stops:
            for length in range(min(len(stop) - 1, len(self._held)), longest, -1):
                if self._held.endswith(stop[:length]):
                    longest = length
                    break
        return longest

    def _last(self, text: str, reason: str, by: str | int | None) -> Piece:
        return Piece(text, self._count, reason, by)
