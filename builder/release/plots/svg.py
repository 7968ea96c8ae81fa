"""A sheet that is drawn on: a handful of shapes, written as SVG.

Text stays text, in the reader's own font, so a drawing is some kilobytes, can be searched, and is
the same bytes on every machine.
"""

from __future__ import annotations

from html import escape
from typing import Final

from builder.release.plots.theme import FONT, TEXT

_NARROW: Final = frozenset("fijlrtI.,:;|!'()[] -")
_WIDE: Final = frozenset("mwMWQOGCDNHU@%&")
_EM: Final = {"narrow": 0.36, "plain": 0.63, "wide": 0.86}
"""Widths of letters in parts of the font's size: those of DejaVu Sans, the widest of common ones,
so that words which fit by this fit everywhere."""


class Sheet:
    """Shapes on a transparent page of `width` pixels; x goes right, y down.

    `alt` is what the drawing says, for those who do not see it.
    """

    def __init__(self, width: int, alt: str) -> None:
        self.width = width
        self._alt = alt
        self._shapes: list[str] = []

    def text(  # a label needs a place, a size and a colour, each by name
        self, at: tuple[float, float], words: str, colour: str, *, size: int = TEXT, **how: str
    ) -> None:
        """Write words with their baseline at `at`. `anchor`: start, middle, end; `weight`: 600."""
        names = {"anchor": "text-anchor", "weight": "font-weight"}
        extra = "".join(f' {names[name]}="{value}"' for name, value in how.items())
        self._shapes.append(
            f'<text x="{_n(at[0])}" y="{_n(at[1])}" font-size="{size}" fill="{colour}"{extra}>'
            f"{escape(_printable(words), quote=False)}</text>"
        )

    def rect(self, at: tuple[float, float], size: tuple[float, float], fill: str) -> None:
        """Fill a rectangle, `at` its upper left corner. One without an area is left out."""
        if size[0] > 0 and size[1] > 0:
            self._shapes.append(
                f'<rect x="{_n(at[0])}" y="{_n(at[1])}" width="{_n(size[0])}" '
                f'height="{_n(size[1])}" fill="{fill}"/>'
            )

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
        """Draw a line of one pixel."""
        self.path(f"M{_n(start[0])} {_n(start[1])}L{_n(end[0])} {_n(end[1])}", colour, 1)

    def path(self, steps: str, colour: str, width: float, dash: str = "") -> None:
        """Draw along the steps of a path, as SVG writes them."""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._shapes.append(
            f'<path d="{steps}" fill="none" stroke="{colour}" stroke-width="{_n(width)}"{dashes}/>'
        )

    def raw(self, shape: str) -> None:
        """Add a shape that is SVG already."""
        self._shapes.append(shape)

    def svg(self, height: float) -> str:
        """Return the drawing as a file of that height."""
        alt = escape(_printable(self._alt))
        size = f'width="{self.width}" height="{_n(height)}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
            f'viewBox="0 0 {self.width} {_n(height)}" role="img" aria-label="{alt}" '
            f'font-family="{FONT}">\n' + "\n".join(self._shapes) + "\n</svg>\n"
        )


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


def _printable(words: str) -> str:
    """Return words without characters that XML has no way to write."""
    return "".join(letter if letter.isprintable() else " " for letter in words)


def _n(value: float) -> str:
    """Return a number with at most two decimals: 3.0 -> `3`."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
