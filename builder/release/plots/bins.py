"""Rows by a number, drawn as a histogram: bars for the first layer, outlines for the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from builder.release.plots.heading import OUTLINE, dash, heading, outline_tone
from builder.release.plots.scale import short, ticks, written
from builder.release.plots.series import Bins, Layer
from builder.release.plots.svg import Drawing, Sheet, extent
from builder.release.plots.theme import FILLS, INK, MUTED, RULE, SMALL, WIDTH
from builder.release.plots.words import alt, beyond

_HIGH: Final = 150


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


def draw_bins(one: Bins) -> Drawing:
    """Draw a series."""
    sheet = Sheet(WIDTH, alt(one))
    top = heading(sheet, one) + 18
    full = max(max(layer.shares) for layer in one.layers) or 1.0
    shares = ticks(0, 100 * full, 4)
    names = [f"{label} %" for label in written(shares)]
    left = max(extent(name, SMALL) for name in names) + 8
    ground = _Ground(left, WIDTH - 4, top, top + _HIGH, one.edges[0], one.edges[-1], full)
    for share, name in zip(shares, names, strict=True):
        y = round(ground.y(share / 100)) + 0.5
        sheet.line((left, y), (ground.right, y), RULE)
        sheet.text((left - 6, y + 4), name, MUTED, size=SMALL, anchor="end")
    _filled(sheet, one, ground)
    for place, layer in enumerate(one.layers[1:], start=1):
        sheet.path(_outline(layer, one, ground), outline_tone(place), OUTLINE, dash(place))
    _axis(sheet, one, ground)
    _middle(sheet, one, ground)
    return sheet.svg(ground.bottom + 24 + 16 * len(_unit(one, ground.right - ground.left)))


def _filled(sheet: Sheet, one: Bins, ground: _Ground) -> None:
    for start, end, share in zip(one.edges, one.edges[1:], one.layers[0].shares, strict=False):
        left, right, y = ground.x(start), ground.x(end), ground.y(share)
        gap = 1 if right - left > 3 else 0
        sheet.rect((left + gap / 2, y), (right - left - gap, ground.bottom - y), FILLS[0])


def _outline(layer: Layer, one: Bins, ground: _Ground) -> str:
    steps = [f"M{ground.x(one.edges[0]):.1f} {ground.bottom:.1f}"]
    for end, share in zip(one.edges[1:], layer.shares, strict=True):
        steps.append(f"V{ground.y(share):.1f}H{ground.x(end):.1f}")
    return "".join(steps) + f"V{ground.bottom:.1f}"


def _axis(sheet: Sheet, one: Bins, ground: _Ground) -> None:
    places = ticks(ground.low, ground.high, 6)
    for value, label in zip(places, written(places), strict=True):
        x = min(max(ground.x(value), ground.left + 2), ground.right - extent(label, SMALL) / 2 + 4)
        sheet.text((x, ground.bottom + 16), label, MUTED, size=SMALL, anchor="middle")
    for line, words in enumerate(_unit(one, ground.right - ground.left)):
        at = (ground.right, ground.bottom + 34 + 16 * line)
        sheet.text(at, words, MUTED, size=SMALL, anchor="end")


def _unit(one: Bins, room: float) -> list[str]:
    """What the axis counts, and how many rows lie beyond its ends, on as many lines as it takes."""
    outside = beyond(one, one.layers[0], short)
    if not outside:
        return [one.unit]
    told = f"({', '.join(outside)})"
    line = f"{one.unit} {told}"
    return [line] if extent(line, SMALL) <= room else [one.unit, told]


def _middle(sheet: Sheet, one: Bins, ground: _Ground) -> None:
    """Mark the median of the first layer, where it was measured and lies within the bins."""
    layer = one.layers[0]
    if one.together or layer.median is None or not ground.low <= layer.median <= ground.high:
        return
    x = ground.x(layer.median)
    words = f"median {short(layer.median)}"
    half = extent(words, SMALL) / 2
    sheet.path(f"M{x:.1f} {ground.top - 5:.1f}V{ground.bottom:.1f}", INK, 1, "3 2")
    at = (min(max(x, half), ground.right - half), ground.top - 9)
    sheet.text(at, words, INK, size=SMALL, anchor="middle")
