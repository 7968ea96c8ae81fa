"""Rows by label, drawn as bars that lie under one another in the order of their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from builder.release.plots.heading import heading
from builder.release.plots.scale import per_cent
from builder.release.plots.series import SAMPLED, Bars
from builder.release.plots.svg import Drawing, Sheet, extent, shortened
from builder.release.plots.theme import FILLS, INK, MUTED, RULE, SMALL, WIDTH
from builder.release.plots.words import alt

_ROOM: Final = 0.46
"""Share of the width that labels may take."""
_APART: Final = 8
_THICK, _THIN = 14, 5  # a bar, and one that is there only to compare
_BETWEEN: Final = 7


@dataclass(frozen=True)
class _Ground:
    """Where bars lie: from x `left` to `right`, which stands for the share `full`."""

    left: float
    right: float
    full: float

    def wide(self, share: float) -> float:
        """Pixels of a share; what there is at all can be seen."""
        return max(share / self.full * (self.right - self.left), 1.0) if share else 0.0


def draw_bars(one: Bars) -> Drawing:
    """Draw a series."""
    sheet = Sheet(WIDTH, alt(one))
    top = y = heading(sheet, one)
    ground = _ground(one)
    for place, label in enumerate(one.labels):
        words = shortened(label, ground.left - _APART)
        sheet.text((ground.left - _APART, y + 11.5), words, INK, anchor="end")
        y += _bars_of(sheet, (one, place), ground, y) + _BETWEEN
    sheet.line((ground.left - 0.5, top - 2), (ground.left - 0.5, y - _BETWEEN + 2), RULE)
    return sheet.svg(y - _BETWEEN + 2)


def _shares(one: Bars) -> list[tuple[float, ...]]:
    """Length of each bar, by layer: shares of a layer's rows, or of the funnel's first bar."""
    if one.steps:
        counts = one.layers[0].counts
        return [tuple(count / (counts[0] or 1) for count in counts)]
    return [layer.shares for layer in one.layers]


def _ground(one: Bars) -> _Ground:
    left = min(max(extent(label) for label in one.labels), WIDTH * _ROOM) + _APART
    told = [_value(one, layer, place) for layer in range(len(one.layers)) for place in _places(one)]
    right = WIDTH - max(extent(words, SMALL) for words in told) - _APART
    return _Ground(left, right, max(max(shares) for shares in _shares(one)) or 1.0)


def _places(one: Bars) -> range:
    return range(len(one.labels))


def _value(one: Bars, layer: int, place: int) -> str:
    if one.steps:
        return f"{one.layers[layer].counts[place]:,}"
    return per_cent(one.layers[layer].shares[place])


def _bars_of(sheet: Sheet, what: tuple[Bars, int], ground: _Ground, y: float) -> float:
    """Draw the bars of one label from `y` downwards, and return how high they are."""
    one, place = what
    start = y
    for number, (layer, shares) in enumerate(zip(one.layers, _shares(one), strict=True)):
        aside = layer.name == SAMPLED
        thick = _THIN if aside else _THICK
        wide = ground.wide(shares[place])
        if one.steps and place:
            sheet.rect((ground.left, y), (ground.wide(shares[place - 1]), thick), RULE)
        sheet.rect((ground.left, y), (wide, thick), FILLS[number % len(FILLS)])
        if not aside:
            at = (ground.left + wide + 6, y + 11.5)
            if one.steps and place:
                at = (ground.left + ground.wide(shares[place - 1]) + 6, y + 11.5)
            sheet.text(at, _value(one, number, place), MUTED, size=SMALL)
        y += thick + 1
    return y - 1 - start
