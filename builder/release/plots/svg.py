"""A sheet that is drawn on: a handful of shapes, written as SVG.

Text stays text, in the reader's own font, so a drawing is some kilobytes, can be searched, and is
the same bytes on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

from builder.release.plots.theme import DARK, FONT, GUTTER, MARGIN, MUTED, PAGE, RULE, TEXT, Tone

_NARROW: Final = frozenset("fijlrtI.,:;|!'()[] -")
_WIDE: Final = frozenset("mwMWQOGCDNHU@%&")
_EM: Final = {"narrow": 0.36, "plain": 0.63, "wide": 0.86}
"""Widths of letters in parts of the font's size: those of DejaVu Sans, the widest of common ones,
so that words which fit by this fit everywhere."""

BOLD: Final = 1.1
"""How much wider words are in bold."""


@dataclass(frozen=True)
class Drawing:
    """A file, and its width and height in pixels."""

    text: str
    width: int
    height: int


class Sheet:
    """Shapes on a panel, `width` pixels wide without its margin; x goes right, y down.

    `alt` is what the drawing says, for those who do not see it.
    """

    def __init__(self, width: int, alt: str) -> None:
        self.width = width
        self._alt = alt
        self._shapes: list[str] = []

    def text(  # a label needs a place, a size and a colour, each by name
        self, at: tuple[float, float], words: str, tone: Tone, *, size: int = TEXT, **how: str
    ) -> None:
        """Write words with their baseline at `at`. `anchor`: start, middle, end; `weight`: 600.

        `aside` are words that follow in the tone of less weight.
        """
        names = {"anchor": "text-anchor", "weight": "font-weight"}
        extra = "".join(f' {names[name]}="{how[name]}"' for name in names if name in how)
        aside = f"<tspan {MUTED.fill}> {_escaped(how['aside'])}</tspan>" if "aside" in how else ""
        self._shapes.append(
            f'<text x="{_n(at[0])}" y="{_n(at[1])}" font-size="{size}" {tone.fill}{extra}>'
            f"{_escaped(words)}{aside}</text>"
        )

    def rect(self, at: tuple[float, float], size: tuple[float, float], tone: Tone) -> None:
        """Fill a rectangle, `at` its upper left corner. One without an area is left out."""
        if size[0] > 0 and size[1] > 0:
            self._shapes.append(
                f'<rect x="{_n(at[0])}" y="{_n(at[1])}" width="{_n(size[0])}" '
                f'height="{_n(size[1])}" {tone.fill}/>'
            )

    def line(self, start: tuple[float, float], end: tuple[float, float], tone: Tone) -> None:
        """Draw a line of one pixel."""
        self.path(f"M{_n(start[0])} {_n(start[1])}L{_n(end[0])} {_n(end[1])}", tone, 1)

    def path(self, steps: str, tone: Tone, width: float, dash: str = "") -> None:
        """Draw along the steps of a path, as SVG writes them."""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._shapes.append(
            f'<path d="{steps}" fill="none" {tone.stroke} stroke-width="{_n(width)}"{dashes}/>'
        )

    def raw(self, shape: str) -> None:
        """Add a shape that is SVG already."""
        self._shapes.append(shape)

    def svg(self, height: float) -> Drawing:
        """Return the drawing as a file; `height` is that of what is drawn, without the margin."""
        wide, high = self.width + 2 * MARGIN, round(height) + 2 * MARGIN
        panel = (
            f'<rect x="{0.5 - MARGIN}" y="{0.5 - MARGIN}" width="{wide - 1}" height="{high - 1}" '
            f'rx="6" class="{PAGE.name} {RULE.name}-line" fill="{PAGE.light}" '
            f'stroke="{RULE.light}"/>'
        )
        full = wide + GUTTER, high + GUTTER
        text = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{full[0]}" height="{full[1]}" '
            f'viewBox="-{MARGIN} -{MARGIN} {full[0]} {full[1]}" role="img" '
            f'aria-label="{escape(_printable(self._alt))}" font-family="{FONT}">\n'
        )
        text += "\n".join([f"<style>{DARK}</style>", panel, *self._shapes]) + "\n</svg>\n"
        return Drawing(text, *full)


def extent(words: str, size: int = TEXT) -> float:
    """Return how many pixels words are wide at most, about: the reader's font is not known."""
    kinds = ("narrow" if one in _NARROW else "wide" if one in _WIDE else "plain" for one in words)
    return size * sum(_EM[kind] for kind in kinds)


def shortened(words: str, room: float, size: int = TEXT) -> str:
    """Return words that fit into so many pixels, cut with an ellipsis where they do not."""
    if extent(words, size) <= room:
        return words
    while words and extent(words + "…", size) > room:
        words = words[:-1]
    return words.rstrip() + "…"


def wrapped(words: str, room: float, size: int = TEXT) -> list[str]:
    """Return words on as many lines as they need, each as long as there is room."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and extent(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(shortened(word, room, size))
    return lines


def _escaped(words: str) -> str:
    return escape(_printable(words), quote=False)


def _printable(words: str) -> str:
    """Return words without characters that XML has no way to write."""
    return "".join(letter if letter.isprintable() else " " for letter in words)


def _n(value: float) -> str:
    """Return a number with at most two decimals: 3.0 -> `3`."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
