"""The map, drawn as small panels: in each the same grey dots, and one group of them in blue.

Twelve tasks cannot have colours that everybody tells apart, and dots of many colours over one
another show the last one drawn. So each group has a panel of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from builder.release.plots.svg import BOLD, Drawing, Sheet, extent, wrapped
from builder.release.plots.theme import (
    DOTS,
    FILLS,
    INK,
    MUTED,
    WIDE,
    WIDE_SMALL,
    WIDE_TEXT,
    WIDE_TITLE,
    Tone,
)

_COLUMNS: Final = 3
_GAP: Final = 10
_LINE: Final = 18  # of the name of a panel
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


def draw_facets(one: Facets) -> Drawing:
    """Draw a map."""
    sheet = Sheet(WIDE, one.alt)
    y = _heading(sheet, one)
    panels = one.panels or [Panel("", "", "")]
    columns = min(_COLUMNS, len(panels))
    side = (WIDE - _GAP * (columns - 1)) / columns
    room = side - 2 * _EDGE
    high = room * float(one.points["y"].max() or 0.5) + 2 * _EDGE  # type: ignore[arg-type]
    dot = max(1.2, min(3.6, 62 / one.points.height**0.5)) * (1.5 if columns == 1 else 1)
    everything = _path(one.points, room)
    if one.panels is None:
        sheet.raw(_dots(f'<path d="{everything}"/>', (0, y), FILLS[0], dot))
        return sheet.svg(y + high)
    sheet.raw(f'<defs><path id="all" d="{everything}"/></defs>')
    heads = [_lines(panel, side) for panel in panels]
    head = _LINE * max(map(len, heads)) + 4
    for place, panel in enumerate(panels):
        at = (place % columns * (side + _GAP), y + place // columns * (high + head + _GAP))
        _head(sheet, at, panel, heads[place])
        mine = _path(one.points.filter(pl.col("group") == panel.group), room)
        below = (at[0], at[1] + head)
        sheet.raw(_dots('<use href="#all"/>', below, DOTS, dot))
        sheet.raw(_dots(f'<path d="{mine}"/>', below, FILLS[0], dot))
    rows = -(-len(panels) // columns)
    return sheet.svg(y + rows * (high + head + _GAP) - _GAP)


def _heading(sheet: Sheet, one: Facets) -> float:
    """Write title and note, each on as many lines as it needs; return the y below them."""
    y = 0.0
    for line in wrapped(one.title, WIDE / BOLD, WIDE_TITLE):
        y += WIDE_TITLE
        sheet.text((0, y), line, INK, size=WIDE_TITLE, weight="600")
        y += 5
    for line in wrapped(one.note, WIDE, WIDE_SMALL):
        y += WIDE_SMALL + 4
        sheet.text((0, y), line, MUTED, size=WIDE_SMALL)
    return y + 14


def _lines(panel: Panel, room: float) -> list[str]:
    """The name of a panel on as many lines as it needs; what is said beside it fits on the last."""
    lines = wrapped(panel.head, room, WIDE_TEXT)
    if lines and panel.note and extent(f"{lines[-1]} {panel.note}", WIDE_TEXT) > room:
        lines.append("")
    return lines


def _head(sheet: Sheet, at: tuple[float, float], panel: Panel, lines: list[str]) -> None:
    """Write a panel's name, and after it what is said beside it."""
    for number, line in enumerate(lines, start=1):
        aside = {"aside": panel.note} if number == len(lines) else {}
        place = (at[0], at[1] + _LINE * number - 4)
        sheet.text(place, line, INK, size=WIDE_TEXT, **aside)


def _dots(shape: str, at: tuple[float, float], tone: Tone, dot: float) -> str:
    return (
        f'<g transform="translate({at[0] + _EDGE:.1f} {at[1] + _EDGE:.1f}) '
        f'scale({1 / _GRID:g})" fill="none" {tone.stroke} '
        f'stroke-width="{dot * _GRID:.1f}" stroke-linecap="round">{shape}</g>'
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
