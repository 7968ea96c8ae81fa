"""The instruct and respond stages of rows that exist already: they are read, not sampled.

Texts stay as they are; lengths are counted anew. What only the sampler can know, such as tokens
and finish reasons, is there where the data set tells it: ours do, the published sets do not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builder.generate.record import Row
from builder.generate.sampling import row_uuid
from builder.recipe.existing.look import SAMPLING, TURNS, source_files
from builder.recipe.existing.window import SourceRows
from builder.recipe.source_spec import SourceSpec
from builder.rows import FINISH_REASONS

_WHO: Final = {"instruction": ("human", "user"), "response": ("gpt", "assistant")}
"""Names of the two sides, in `conversations` (ShareGPT's) and in `messages` (the chat format's)."""


def reading(
    stage: str, source: SourceSpec, base: Path, fingerprint: str
) -> Callable[[Row], Awaitable[Row]]:
    """What gives the records of `stage`, `instruct` or `respond`, from a recipe's data set.

    `fingerprint` is the run's. Raises `UsageError` where the data set cannot be read.
    """
    files = source_files(source, base).paths
    assert source.found is not None
    there = source.found.columns
    if stage == "instruct":
        columns = ("uuid", SAMPLING, *_columns_of("instruction", there), *_TOLD["instruction"])
        return Instructions(SourceRows(files, columns), fingerprint).row
    columns = (*_columns_of("response", there), *_TOLD["response"])
    return Responses(SourceRows(files, columns)).row


_TOLD: Final = {
    "instruction": ("instruction_tokens", "instruction_finish_reason"),
    "response": ("response_tokens", "finish_reason"),
}
"""Columns that only who sampled a text can write."""


def _columns_of(text: str, there: Sequence[str]) -> tuple[str, ...]:
    """The columns that a text is read from; the turns only where it has none of its own."""
    return (text,) if text in there else tuple(name for name in TURNS if name in there)


@dataclass(frozen=True)
class Instructions:
    """Reads the instructions of a data set. `fingerprint` gives uuids to rows without one."""

    rows: SourceRows
    fingerprint: str

    async def row(self, known: Row) -> Row:
        """The instruction of the row `known["row"]`: the columns `rows.INSTRUCT`.

        Where it has none, `instruction_error` says why.
        """
        number = known["row"]
        assert isinstance(number, int)
        found = self.rows[number]
        uuid, sampling = found.get("uuid"), found.get(SAMPLING)
        sampled = sampling if isinstance(sampling, dict) else {}
        return {
            "row": number,
            "uuid": uuid if isinstance(uuid, str) and uuid else row_uuid(self.fingerprint, number),
            "temperature": _number(sampled.get("temperature")),
            "top_p": _number(sampled.get("top_p")),
            "seed": _whole(sampled.get("seed")),
            **_text("instruction", found),
        }


@dataclass(frozen=True)
class Responses:
    """Reads the responses of a data set. One that is missing is not asked for."""

    rows: SourceRows

    async def row(self, known: Row) -> Row:
        """The response of the row `known["row"]`: the columns `rows.RESPOND`.

        Where it has none, `response_error` says why, and the row is dropped as failed.
        """
        number = known["row"]
        assert isinstance(number, int)
        found = self.rows[number]
        return {"row": number, "uuid": known["uuid"], **_text("response", found)}


def _text(name: str, found: Mapping[str, Any]) -> Row:
    """The columns of one text, or the reason why there is none."""
    tokens, reason = _TOLD[name]
    value = found[name] if name in found else _turn(name, found)
    if not isinstance(value, str) or not value.strip():
        return {f"{name}_error": _why_not(name, value)}
    finish = found.get(reason)
    return {
        name: value,
        f"{name}_length": len(value),
        tokens: _whole(found.get(tokens)),
        reason: finish if finish in FINISH_REASONS.categories else None,
        f"{name}_error": None,
    }


def _why_not(name: str, value: object) -> str:
    if value is None:
        return f"the data set has no {name} here"
    if isinstance(value, str):
        return f"the {name} in the data set is empty"
    return f"the {name} in the data set is no text but of type {type(value).__name__}"


def _turn(name: str, found: Mapping[str, Any]) -> object:
    """The instruction or the response of a conversation, whose system turn does not count."""
    turns = next((found[one] for one in TURNS if found.get(one)), None)
    if not isinstance(turns, list):
        return turns
    said = [one for one in map(_said, turns) if one[0] != "system"]
    place = 0 if name == "instruction" else 1
    who, what = said[place] if len(said) > place else (None, None)
    return what if who in _WHO[name] else None


def _said(turn: object) -> tuple[object, object]:
    """Who says what in a turn."""
    if not isinstance(turn, dict):
        return None, None
    return turn.get("from", turn.get("role")), turn.get("value", turn.get("content"))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _whole(value: object) -> int | None:
    """A whole number that a column of 64 bits holds."""
    fits = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return value if fits and isinstance(value, int) else None
