"""The map, drawn as small panels: in each the same grey dots, and one group of them in blue.

Twelve tasks cannot have colours that everybody tells apart, and dots of many colours over one
another show the last one drawn. So each group has a panel of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from builder.release.plots.svg import Sheet, extent, shortened
from builder.release.plots.theme import BELOW, SMALL, TITLE, WIDE, Theme

_COLUMNS: Final = 3
_GAP: Final = 14
_HEAD: Final = 22  # the name of a panel
_EDGE: Final = 3  # pixels around the dots of a panel, so that none is cut
_GRID: Final = 2
"""Places that a pixel is divided into: dots in the same one are drawn once."""


@dataclass(frozen=True)
class Panel:
    """The points of one group: its name in `points`, what its head says, and what beside that."""

    group: str
    head: str
    note: str


@dataclass(frozen=True)
class Facets:
    """A map in panels. `points` has columns `x` and `y`, from 0 to 1, y downwards, and `group`.

    `panels` are the groups that are shown, in order; None: one panel with all points. Points
    without a group are grey in all of them.
    """

    title: str
    note: str
    alt: str
    points: pl.DataFrame
    panels: Sequence[Panel] | None


def draw_facets(one: Facets, theme: Theme) -> tuple[str, int]:
    """Return a drawing as SVG, and its height in pixels."""
    sheet = Sheet(WIDE, one.alt)
    sheet.text((0, 16), shortened(one.title, WIDE, TITLE), theme.ink, size=TITLE, weight="600")
    sheet.text((0, 35), shortened(one.note, WIDE, SMALL), theme.muted, size=SMALL)
    panels = one.panels or [Panel("", "", "")]
    columns = min(_COLUMNS, len(panels))
    side = (WIDE - _GAP * (columns - 1)) / columns
    room = side - 2 * _EDGE
    high = room * float(one.points["y"].max() or 0.5) + 2 * _EDGE  # type: ignore[arg-type]
    dot = max(1.2, min(3.6, 62 / one.points.height**0.5)) * (1.5 if columns == 1 else 1)
    everything = _path(one.points, room)
    if one.panels is not None:
        sheet.raw(f'<defs><path id="all" d="{everything}"/></defs>')
    for place, panel in enumerate(panels):
        x = place % columns * (side + _GAP)
        y = 48 + place // columns * (high + _HEAD + _GAP)
        if one.panels is None:
            sheet.raw(_dots(f'<path d="{everything}"/>', (x, y), theme.fills[0], dot))
            continue
        _head(sheet, (x, y + 12), panel, side, theme)
        mine = _path(one.points.filter(pl.col("group") == panel.group), room)
        sheet.raw(_dots('<use href="#all"/>', (x, y + _HEAD), theme.dots, dot))
        sheet.raw(_dots(f'<path d="{mine}"/>', (x, y + _HEAD), theme.fills[0], dot))
    rows = -(-len(panels) // columns)
    head = _HEAD if one.panels else 0
    height = round(48 + rows * (high + head + _GAP) - _GAP + BELOW)
    return sheet.svg(height), height


def _head(sheet: Sheet, at: tuple[float, float], panel: Panel, room: float, theme: Theme) -> None:
    """Write a panel's name, and what is said beside it in the tone of less weight."""
    sheet.text(at, shortened(panel.head, room - extent(panel.note, SMALL) - 8), theme.ink)
    sheet.text((at[0] + room, at[1]), panel.note, theme.muted, size=SMALL, anchor="end")


def _dots(shape: str, at: tuple[float, float], colour: str, dot: float) -> str:
    return (
        f'<g transform="translate({at[0] + _EDGE:.1f} {at[1] + _EDGE:.1f}) '
        f'scale({1 / _GRID:g})" fill="none" '
        f'stroke="{colour}" stroke-width="{dot * _GRID:.1f}" stroke-linecap="round">{shape}</g>'
    )


def _path(points: pl.DataFrame, side: float) -> str:
    """A dot for each place of the grid that has a point, each told relative to the one before.

    A line of length 0 with round ends is a dot (SVG 2, section 13.5.4).
    """
    scaled = (pl.col("x", "y") * side * _GRID).round().cast(pl.Int64)
    places = points.select(scaled).unique().sort("y", "x")
    steps, before = [], (0, 0)
    for x, y in places.iter_rows():
        steps.append(f"m{x - before[0]} {y - before[1]}h0".replace(" -", "-"))
        before = (x, y)
    return "".join(steps)
