"""The head of a drawing: its title, and which rows are drawn in which tone."""

from __future__ import annotations

from typing import Final

from builder.release.plots.series import Bars, Bins, Series
from builder.release.plots.svg import BOLD, Sheet, extent, shortened
from builder.release.plots.theme import FILLS, INK, MUTED, SMALL, TITLE, Tone
from builder.release.plots.words import from_to, rows_of

_LINE: Final = 18
_SWATCH: Final = 10

OUTLINE: Final = 1.5
"""Pixels of an outline."""


def heading(sheet: Sheet, one: Series) -> float:
    """Write title and legend, and return the y below them."""
    title = shortened(one.title, sheet.width / BOLD, TITLE)
    sheet.text((0, 16), title, INK, size=TITLE, weight="600")
    told = [rows_of(layer) for layer in one.layers]
    if len(told) == 1:
        note = from_to(one) if isinstance(one, Bars) and one.steps else told[0]
        sheet.text((0, 35), note, MUTED, size=SMALL)
        return 48
    x, y = 0.0, 35.0
    for place, words in enumerate(told):
        wide = _SWATCH + 5 + extent(words, SMALL)
        if x and x + wide > sheet.width:
            x, y = 0.0, y + _LINE
        _swatch(sheet, one, place, (x, y))
        sheet.text((x + _SWATCH + 5, y), words, MUTED, size=SMALL)
        x += wide + 10
    return y + 13


def _swatch(sheet: Sheet, one: Series, place: int, at: tuple[float, float]) -> None:
    """Show how a layer is drawn: filled, or by its outline."""
    x, y = at[0], at[1] - _SWATCH + 1
    if isinstance(one, Bins) and place:
        steps = f"M{x} {y + _SWATCH / 2}h{_SWATCH + 1}"
        sheet.path(steps, outline_tone(place), OUTLINE, dash(place))
    else:
        sheet.rect((x, y), (_SWATCH, _SWATCH), FILLS[place % len(FILLS)])


def outline_tone(place: int) -> Tone:
    """An outline lies over bars, so it takes the tone that differs most from theirs."""
    return FILLS[(place + 1) % len(FILLS)]


def dash(place: int) -> str:
    """How the outline of a layer is dashed."""
    return ("", "", "5 3", "2 2")[place % 4]
