"""An LLM judge at work: show the instruction, ask, read the reply, ask once more where needed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
from pydantic import Field

from builder.annotate.base import (
    FAILED,
    Annotator,
    Cost,
    Judge,
    Needs,
    Options,
    Output,
    Question,
    Reply,
    Row,
    Tools,
    Values,
)
from builder.annotate.judging.parts import Part, beginning_of, schema_of
from builder.annotate.judging.reply import UnusableReplyError, object_in, whole_reply
from builder.annotate.judging.shown import LONGEST_SHOWN, fill
from builder.text import writable

PROMPTS: Final = Path(__file__).parents[1] / "prompts"

RETRY_TEMPERATURE: Final = 0.7
"""Of the second question: a greedy judge would repeat itself."""

NOTHING_TO_JUDGE: Final = "the row has no instruction"


class JudgeOptions(Options):
    """What a recipe may tell an LLM judge."""

    max_tokens: int = Field(
        default=512, ge=16, le=8192, description="a whole number from 16 to 8192"
    )
    """Tokens of a reply. A sentence or two and a label take 30 to 150; the rest is for the wordy,
    and ends those that would never stop."""
    max_characters: int = Field(
        default=LONGEST_SHOWN,
        ge=100,
        le=1_000_000,
        description="a whole number from 100 to 1000000",
    )
    """Of an instruction that is longer than that the judge sees the two ends."""


@dataclass(frozen=True)
class Form:
    """What a judge is asked with, and the parts that its reply has to have."""

    name: str
    prompt: str
    parts: tuple[Part, ...]

    def read(self, text: str) -> Values:
        """The columns that a reply fills. Raises `UnusableReplyError`."""
        said = object_in(text, [part.key for part in self.parts])
        return {part.column: part.read(said) for part in self.parts}


PUBLISHED: Final = {"category": "task_category"}
"""Judges whose `_generator` column has another name in the published sets."""


class JudgeWorker:
    """Asks `judge` about rows. `seed` is the recipe's; only second questions make use of it."""

    def __init__(self, form: Form, judge: Judge, options: JudgeOptions, seed: int) -> None:
        self._form = form
        self._judge = judge
        self._options = options
        self._seed = seed
        self._schema = schema_of(form.parts) if judge.constrained else None
        self._prefill = "" if judge.constrained else beginning_of(form.parts)

    async def annotate(self, rows: Sequence[Row]) -> Sequence[Values]:
        """See `Worker.annotate`. Raises the judge's `RowError`."""
        return [await self._row(row) for row in rows]

    async def close(self) -> None:
        """See `Worker.close`. The judge is not ours."""

    async def _row(self, row: Row) -> Values:
        """The judgement of a row, or why there is none, with the last reply."""
        name, instruction = self._form.name, row["instruction"]
        if not isinstance(instruction, str) or not instruction.strip():
            return {f"{name}{FAILED}": NOTHING_TO_JUDGE}
        text = fill(self._form.prompt, instruction, self._options.max_characters)
        asked_by: Values = {generator_column(name): self._judge.model}
        reply = await self._ask(text)
        try:
            return self._read(reply) | asked_by
        except UnusableReplyError:
            reply = await self._ask(text, again=_retry_seed(name, self._seed, row["row"]))
        try:
            return self._read(reply) | asked_by
        except UnusableReplyError as error:
            raw = writable(self._prefill + reply.text)
            return asked_by | {f"{name}{FAILED}": str(error), f"{name}_reply": raw}

    async def _ask(self, text: str, again: int | None = None) -> Reply:
        """Ask greedily, or `again` with this seed."""
        question = Question(
            text=text,
            max_tokens=self._options.max_tokens,
            prefill=self._prefill,
            schema=self._schema,
            temperature=0.0 if again is None else RETRY_TEMPERATURE,
            seed=again or 0,
        )
        return await self._judge.ask(question)

    def _read(self, reply: Reply) -> Values:
        """The columns that a reply fills. A reply that was cut is none, whatever it holds."""
        if reply.finish_reason == "length":
            limit = self._options.max_tokens
            raise UnusableReplyError(f"the reply was cut off at the limit of {limit} tokens")
        return self._form.read(whole_reply(self._prefill, reply.text))


def llm_judge(name: str, version: int, summary: str, parts: tuple[Part, ...]) -> Annotator:
    """The annotator that asks `prompts/NAME.txt` of the judge; the reply's first part is a text.

    Besides the columns of its parts it writes who judged (`generator_column`) and, where the
    reply was unusable, `NAME_reply`. A change of the prompt is a new `version`.
    """

    async def start(options: JudgeOptions, tools: Tools) -> JudgeWorker:
        prompt = (PROMPTS / f"{name}.txt").read_text(encoding="utf-8").strip()
        return JudgeWorker(Form(name, prompt, parts), await tools.judge(), options, tools.seed)

    writes = {part.column: part.output for part in parts}
    writes[generator_column(name)] = Output(pl.String(), f"the model that judged the {name}")
    why = f"what the judge of the {name} replied, where that was no judgement"
    writes[f"{name}_reply"] = Output(pl.String(), why, "raw")
    return Annotator(
        name=name,
        version=version,
        summary=summary,
        reads=("instruction",),
        writes=writes,
        start=start,
        options=JudgeOptions,
        needs=Needs.JUDGE,
        cost=Cost.TOKENS,
    )


def generator_column(name: str) -> str:
    """The column with the model that judged, by its name in the published sets."""
    return f"{PUBLISHED.get(name, name)}_generator"


def _retry_seed(name: str, seed: int, row: object) -> int:
    """The seed of a row's second question, 0 to 2**31 - 1, the same at every run."""
    digest = hashlib.blake2b(f"{name}:{seed}:{row}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 1
