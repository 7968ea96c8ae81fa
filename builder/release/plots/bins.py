"""Rows by a number, drawn as a histogram: bars for the first layer, outlines for the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from builder.release.plots.heading import heading
from builder.release.plots.scale import number, per_cent, ticks, written
from builder.release.plots.series import Bins, Layer
from builder.release.plots.svg import Sheet, extent
from builder.release.plots.theme import SMALL, WIDTH, Theme
from builder.release.plots.words import alt

_HIGH: Final = 150
_DASHES: Final = ("", "", "5 3", "2 2")
"""How the outline of each layer is drawn; the first one has bars."""


@dataclass(frozen=True)
class _Ground:
    """Where the bars stand: a rectangle of pixels, and what its edges mean."""

    left: float
    right: float
    top: float
    bottom: float
    low: float
    high: float
    full: float
    """The share that `top` stands for; `bottom` is none."""

    def x(self, value: float) -> float:
        """Where a number stands."""
        return self.left + (value - self.low) / (self.high - self.low) * (self.right - self.left)

    def y(self, share: float) -> float:
        """Where a share ends."""
        return self.bottom - share / self.full * (self.bottom - self.top)


def draw_bins(one: Bins, theme: Theme) -> tuple[str, int]:
    """Return a drawing as SVG, and its height in pixels."""
    sheet = Sheet(WIDTH, alt(one))
    top = heading(sheet, one, theme) + 8
    full = max(max(layer.shares) for layer in one.layers) or 1.0
    shares = ticks(0, 100 * full, 4)
    names = [f"{label} %" for label in written(shares)]
    left = max(extent(name, SMALL) for name in names) + 8
    ground = _Ground(left, WIDTH - 4, top, top + _HIGH, one.edges[0], one.edges[-1], full)
    for share, name in zip(shares, names, strict=True):
        y = round(ground.y(share / 100)) + 0.5
        sheet.line((left, y), (ground.right, y), theme.rule)
        sheet.text((left - 6, y + 4), name, theme.muted, size=SMALL, anchor="end")
    _filled(sheet, one, ground, theme)
    for place, layer in enumerate(one.layers[1:], start=1):
        sheet.path(_outline(layer, one, ground), _tone(theme, place), 1.5, _DASHES[place % 4])
    _axis(sheet, one, ground, theme)
    _middle(sheet, one.layers[0], ground, theme)
    height = round(ground.bottom + 38 + _beyond(sheet, one, ground, theme))
    return sheet.svg(height), height


def _tone(theme: Theme, place: int) -> str:
    """An outline lies over bars, so it takes the tone that differs most from theirs."""
    return theme.fills[(place + 1) % len(theme.fills)]


def _filled(sheet: Sheet, one: Bins, ground: _Ground, theme: Theme) -> None:
    for start, end, share in zip(one.edges, one.edges[1:], one.layers[0].shares, strict=False):
        left, right, y = ground.x(start), ground.x(end), ground.y(share)
        gap = 1 if right - left > 3 else 0
        sheet.rect((left + gap / 2, y), (right - left - gap, ground.bottom - y), theme.fills[0])


def _outline(layer: Layer, one: Bins, ground: _Ground) -> str:
    steps = [f"M{ground.x(one.edges[0]):.1f} {ground.bottom:.1f}"]
    for end, share in zip(one.edges[1:], layer.shares, strict=True):
        steps.append(f"V{ground.y(share):.1f}H{ground.x(end):.1f}")
    return "".join(steps) + f"V{ground.bottom:.1f}"


def _axis(sheet: Sheet, one: Bins, ground: _Ground, theme: Theme) -> None:
    places = ticks(ground.low, ground.high, 6)
    for value, label in zip(places, written(places), strict=True):
        x = min(max(ground.x(value), ground.left + 2), ground.right - extent(label, SMALL) / 2 + 4)
        sheet.text((x, ground.bottom + 16), label, theme.muted, size=SMALL, anchor="middle")
    middle = (ground.left + ground.right) / 2
    sheet.text((middle, ground.bottom + 33), one.unit, theme.muted, size=SMALL, anchor="middle")


def _middle(sheet: Sheet, layer: Layer, ground: _Ground, theme: Theme) -> None:
    """Mark the median of the first layer, where it was measured and lies within the bins."""
    if layer.median is None or not ground.low <= layer.median <= ground.high:
        return
    x = ground.x(layer.median)
    words = f"median {number(layer.median)}"
    sheet.path(f"M{x:.1f} {ground.top - 4:.1f}V{ground.bottom:.1f}", theme.ink, 1, "3 2")
    fits = x + 5 + extent(words, SMALL) <= ground.right
    at, anchor = (x + 5, "start") if fits else (x - 5, "end")
    sheet.text((at, ground.top + 3), words, theme.ink, size=SMALL, anchor=anchor)


def _beyond(sheet: Sheet, one: Bins, ground: _Ground, theme: Theme) -> int:
    """Say what lies outside the bins, if anything does; return the pixels that this takes."""
    layer = one.layers[0]
    told = [
        f"{per_cent(rows / layer.rows)} {where} {number(edge)}"
        for rows, where, edge in (
            (layer.below, "below", one.edges[0]),
            (layer.above, "above", one.edges[-1]),
        )
        if rows
    ]
    if not told:
        return 0
    at = (ground.right, ground.bottom + 50)
    sheet.text(at, f"not shown: {', '.join(told)}", theme.muted, size=SMALL, anchor="end")
    return 17
