"""The language an instruction is written in, by lingua, on this machine and offline.

lingua compares letter n-grams with those of the languages it is told of, and only with those:
among all of its 75 a short prompt goes to whichever language has the oddest letters in common.
So it is told of a dozen (`among`), code and formulas are taken away first, and where the evidence
is thin the language is null. A text in a language that is not among them gets null or the most
similar of them, which no detector of a closed set can help.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import polars as pl
from pydantic import AfterValidator, BeforeValidator, Field

from builder.annotate.base import Annotator, Needs, Options, Output, Row, Tools, Values
from builder.annotate.texts.prose import prose
from builder.errors import MissingExtraError, UsageError
from builder.spec import as_tuple
from builder.text import writable

if TYPE_CHECKING:
    from lingua import LanguageDetector

DOZEN: Final = ("AR", "DE", "EN", "ES", "FR", "HI", "IT", "JA", "KO", "PT", "RU", "ZH")
"""The languages that the cards of Llama 3.1 (de, en, es, fr, hi, it, pt) and of Qwen2.5 (those
without hi, and ar, ja, ko, ru, zh) name, less Thai and Vietnamese."""

CONFIDENT: Final = 0.35
"""Least probability, lingua's, of a language that is written down."""

CLEAR: Final = 1.5
"""Least ratio of it to the probability of the next language. Of 88 prompts of two to ten words in
the dozen, with both bounds 82 % get a language, 99 % of them theirs; without them, 89 %."""

READ: Final = 300
"""Characters of prose that are compared: some 50 words. lingua's time grows with the text."""

FEWEST: Final = 2
"""Letters below which there is nothing to compare."""


def _upper(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code.upper() for code in codes))


class LanguageOptions(Options):
    """Which languages may turn up."""

    among: Annotated[
        tuple[Annotated[str, Field(pattern="[A-Za-z]{2}", max_length=2)], ...],
        BeforeValidator(as_tuple),
        AfterValidator(_upper),
    ] = Field(
        default=DOZEN, min_length=2, description="a list of ISO 639-1 codes, such as [EN, DE]"
    )
    """ISO 639-1 codes, two or more. The fewer there are, the surer is what a short text gets."""


class _Lingua:
    """A worker that asks lingua."""

    def __init__(self, detector: LanguageDetector) -> None:
        self._detector: LanguageDetector | None = detector

    async def annotate(self, rows: Sequence[Row]) -> Sequence[Values]:
        """See `Worker.annotate`. lingua lets go of the interpreter and uses all cores."""
        return await asyncio.to_thread(self._say, [row["instruction"] for row in rows])

    async def close(self) -> None:
        """Let go of the n-grams, some 200 MB for the dozen."""
        detector: Any = self._detector  # what unloads has no type
        if detector is not None:
            detector.unload_language_models()
            self._detector = None

    def _say(self, texts: Sequence[str | None]) -> list[Values]:
        assert self._detector is not None
        found: list[Values] = [{} for _ in texts]
        read = {n: writable(prose(text or "")[:READ]) for n, text in enumerate(texts)}
        read = {n: text for n, text in read.items() if sum(map(str.isalpha, text)) >= FEWEST}
        spread = self._detector.compute_language_confidence_values_in_parallel(list(read.values()))
        for n, values in zip(read, spread, strict=True):
            best, second = values[0], values[1]
            found[n]["language_confidence"] = best.value
            if best.value >= CONFIDENT and best.value >= CLEAR * second.value:
                found[n]["language"] = best.language.iso_code_639_1.name
        return found


def _detector(among: tuple[str, ...]) -> LanguageDetector:
    """Return a detector with its n-grams loaded. Raises `MissingExtraError` and `UsageError`."""
    try:
        from lingua import IsoCode639_1, LanguageDetectorBuilder
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "annotate: `language` needs lingua, which is not installed",
            mend="pip install 'magpie-builder[language]'",
        ) from error
    known = {name for name in dir(IsoCode639_1) if len(name) == 2 and name.isupper()}
    unknown = [code for code in among if code not in known]
    if unknown:
        raise UsageError(
            f"annotate.language.among: lingua does not know {', '.join(unknown)}",
            mend=f"it knows {', '.join(sorted(known))}",
        )
    codes: list[Any] = [getattr(IsoCode639_1, code) for code in among]
    builder = LanguageDetectorBuilder.from_iso_codes_639_1(*codes)
    return builder.with_preloaded_language_models().build()


async def _start(options: LanguageOptions, tools: Tools) -> _Lingua:  # noqa: ARG001
    return _Lingua(await asyncio.to_thread(_detector, options.among))


ANNOTATOR: Final = Annotator(
    name="language",
    version=1,
    summary="The language of the instruction, by lingua.",
    reads=("instruction",),
    writes={
        "language": Output(
            pl.String(),
            "ISO 639-1 code of the instruction's language in capitals, as in the published sets; "
            "null where it is nothing but code or formulas, or too short to tell",
        ),
        "language_confidence": Output(
            pl.Float64(),
            "lingua's probability, 0 to 1, of the likeliest of the languages asked for",
            "raw",
        ),
    },
    start=_start,
    options=LanguageOptions,
    needs=Needs.NOTHING,
    packages=lambda options: {"lingua": "language"},  # noqa: ARG005
    batch=64,
)
