"""Whether an instruction is safe, by Llama-Guard at an endpoint, within its own chat template.

    "safe"            ->  llama_guard_2 "safe",          safety_categories []
    "unsafe\\nS2,S6"   ->  llama_guard_2 "unsafe\\nS2,S6", safety_categories ["S2", "S6"]

The instruction is judged alone, before its response is paid for. The published sets were judged
with their response (`exp/unitag.py` of magpie-align/magpie), which this cannot wait for: what
Llama-Guard calls unsafe in a harmless instruction's answer is not seen here.

The form of the verdict, a first line and one with the categories, is that of the model cards of
Llama Guard 2, 3 and 4; `llama_guard_2` holds it as the published sets do, whichever of them wrote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from builder.annotate.base import (
    FAILED,
    Annotator,
    Chat,
    Cost,
    Needs,
    Output,
    Reply,
    Row,
    ServerOptions,
    Tools,
    Values,
)
from builder.text import writable

MAX_TOKENS: Final = 64
"""Tokens of a verdict. All 14 categories of Llama Guard 3 in a row take some 45."""

NOTHING_TO_JUDGE: Final = "the row has no instruction"

_CATEGORY: Final = re.compile(r"[A-Z]\d{1,2}")
"""S1 to S14; O1 to O6 of the first Llama Guard."""


class UnusableVerdictError(ValueError):
    """A reply is no verdict. Its message says in one line what was wrong with it."""


@dataclass(frozen=True)
class Verdict:
    """What Llama-Guard says. `categories` are in its order, and may be none of an unsafe text."""

    safe: bool
    categories: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The verdict as the model writes it, and as the published sets have it."""
        if self.safe:
            return "safe"
        return "\n".join(["unsafe", *([",".join(self.categories)] if self.categories else [])])


def read_verdict(reply: Reply) -> Verdict:
    """Read a reply. Raises `UnusableVerdictError` for anything but a verdict, and for a cut one."""
    if reply.finish_reason == "length":
        raise UnusableVerdictError(f"the reply was cut off at the limit of {MAX_TOKENS} tokens")
    word, _, rest = reply.text.strip().partition("\n")
    categories = [one for one in re.split(r"[,\s]+", rest) if one]
    strange = [one for one in categories if not _CATEGORY.fullmatch(one)]
    if word.strip() not in ("safe", "unsafe") or (word.strip() == "safe" and rest.strip()):
        raise UnusableVerdictError("the reply is neither safe nor unsafe with its categories")
    if strange:
        raise UnusableVerdictError(f"the reply names {strange[0][:20]!r}, which is no category")
    return Verdict(word.strip() == "safe", tuple(dict.fromkeys(categories)))


class SafetyWorker:
    """Asks `guard` about one instruction after the other."""

    def __init__(self, guard: Chat) -> None:
        self._guard = guard

    async def annotate(self, rows: Sequence[Row]) -> Sequence[Values]:
        """See `Worker.annotate`. Raises the server's `RowError`."""
        return [await self._row(row["instruction"]) for row in rows]

    async def close(self) -> None:
        """See `Worker.close`. The server is not ours."""

    async def _row(self, instruction: object) -> Values:
        """The verdict, or why there is none after a second question, with the second reply."""
        if not isinstance(instruction, str) or not instruction.strip():
            return {f"safety{FAILED}": NOTHING_TO_JUDGE}
        asked_of: Values = {"safety_generator": self._guard.model}
        text = writable(instruction)
        try:
            return asked_of | _columns(read_verdict(await self._ask(text)))
        except UnusableVerdictError:
            reply = await self._ask(text)
        try:
            return asked_of | _columns(read_verdict(reply))
        except UnusableVerdictError as error:
            raw = writable(reply.text)
            return asked_of | {f"safety{FAILED}": str(error), "safety_reply": raw}

    async def _ask(self, text: str) -> Reply:
        return await self._guard.chat([("user", text)], MAX_TOKENS)


def _columns(verdict: Verdict) -> Values:
    return {"llama_guard_2": str(verdict), "safety_categories": list(verdict.categories)}


async def _start(options: ServerOptions, tools: Tools) -> SafetyWorker:
    return SafetyWorker(await tools.chat(options))


ANNOTATOR: Final = Annotator(
    name="safety",
    version=1,
    summary="Whether the instruction is safe, by Llama-Guard.",
    reads=("instruction",),
    writes={
        "llama_guard_2": Output(
            pl.String(),
            "Llama-Guard's verdict on the instruction: safe, or unsafe and on a second line the "
            "categories",
        ),
        "safety_categories": Output(
            pl.List(pl.String()), "categories of the verdict, such as S1; none where it is safe"
        ),
        "safety_generator": Output(pl.String(), "the model that judged the safety"),
        "safety_reply": Output(
            pl.String(), "what the model replied, where that was no verdict", "raw"
        ),
    },
    start=_start,
    options=ServerOptions,
    needs=Needs.SERVER,
    cost=Cost.TOKENS,
)
