"""The head of a drawing: its title, and which rows are drawn in which tone."""

from __future__ import annotations

from typing import Final

from builder.release.plots.series import Series
from builder.release.plots.svg import Sheet, extent, shortened
from builder.release.plots.theme import SMALL, TITLE, Theme
from builder.release.plots.words import rows_of

_LINE: Final = 18
_SWATCH: Final = 10


def heading(sheet: Sheet, one: Series, theme: Theme) -> float:
    """Write title and legend, and return the y below them."""
    sheet.text(
        (0, 16), shortened(one.title, sheet.width, TITLE), theme.ink, size=TITLE, weight="600"
    )
    told = [f"{rows_of(layer)}" for layer in one.layers]
    if len(told) == 1:
        sheet.text((0, 35), told[0], theme.muted, size=SMALL)
        return 48
    x, y = 0.0, 35.0
    for words, fill in zip(told, theme.fills, strict=False):
        wide = _SWATCH + 5 + extent(words, SMALL)
        if x and x + wide > sheet.width:
            x, y = 0.0, y + _LINE
        sheet.rect((x, y - _SWATCH + 1), (_SWATCH, _SWATCH), fill)
        sheet.text((x + _SWATCH + 5, y), words, theme.muted, size=SMALL)
        x += wide + 14
    return y + 13
