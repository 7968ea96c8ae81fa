"""Annotators that a test makes up, and an engine that writes what a test says."""

import asyncio

import polars as pl

from builder.annotate import registry
from builder.annotate.base import FAILED, Annotator, Cost, Needs, Output
from builder.engines.base import Chunk
from builder.errors import RowError
from builder.generate.sampling import row_seed


class MadeUp:
    """An annotator whose worker asks `say` about each row and keeps in `asked` which rows it saw.

    `say` returns the column's value, or raises `RowError`: then that row fails alone.
    """

    def __init__(self, name, say, *, column=None, kind=None, **declared):
        self.asked, self.batches, self.closed = [], [], 0
        self._name, self._column, self._say = name, column or name, say
        self.before = None
        writes = {self._column: Output(kind or pl.String(), "made up")}
        shape = {"version": 1, "summary": "Made up.", "reads": ("instruction",), "batch": 4}
        self.annotator = Annotator(
            name=name, writes=writes, start=self._start, **(shape | declared)
        )

    async def _start(self, options, tools):
        return self

    async def annotate(self, rows):
        if self.before is not None:
            await self.before(rows)
        self.batches.append(len(rows))
        self.asked += [row["row"] for row in rows]
        return [self._values(row) for row in rows]

    def _values(self, row):
        try:
            return {self._column: self._say(row)}
        except RowError as error:
            return {f"{self._name}{FAILED}": error.message}

    async def close(self):
        self.closed += 1


def declare(monkeypatch, *made_up):
    """Have the registry know these annotators beside its own; theirs of the same name give way."""
    known, look_up = registry.names(), registry.annotator
    mine = {one.annotator.name: one.annotator for one in made_up}
    names = tuple(sorted({*known, *mine}))
    monkeypatch.setattr(registry, "names", lambda: names)
    monkeypatch.setattr(registry, "annotator", lambda name: mine.get(name) or look_up(name))


def judge(name, say, **declared):
    """A made-up annotator that costs tokens: it comes after the others."""
    return MadeUp(name, say, cost=Cost.TOKENS, needs=Needs.SERVER, **declared)


class TextEngine:
    """Writes the instruction that `texts` has for a row, and answers all else with `reply`.

    A text is str, or (str, finish reason). `reply(prompt, params)` gives one, too. Rows are told
    by their seeds. Kept in `asked` as (prompt, seed), as `WatchedEngine` does.
    """

    constrained = True

    def __init__(self, texts, reply=lambda prompt, params: "Fine.", before=None, slots=4):
        self.slots = slots
        self.asked, self.closed = [], 0
        self._of_seed = {row_seed(7, row, "instruct"): text for row, text in enumerate(texts)}
        self._reply, self._before = reply, before

    async def stream(self, prompt, params):
        self.asked.append((prompt, params.seed))
        if self._before is not None:
            await self._before(len(self.asked) - 1, prompt, params)
        await asyncio.sleep(0)
        bare = prompt == "<u>"
        text = self._of_seed[params.seed] if bare else self._reply(prompt, params)
        words, end = text if isinstance(text, tuple) else (text, "stop")
        yield Chunk(words, len(words.split()) + 1, end)

    async def close(self):
        self.closed += 1
