"""Colours and measures of the drawings: one blue and greys, on light pages and on dark ones.

Backgrounds are transparent. What carries meaning keeps a contrast of 3 to 1 with the page, text
one of 4.5 to 1 (WCAG 2.2, success criteria 1.4.11 and 1.4.3), reckoned against #ffffff and
#0d1117. Tones of one hue differ in lightness, so no kind of colour vision is needed to tell them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WIDTH: Final = 360
"""Pixels of a drawing: two stand side by side on a card, one fills a phone at its own size."""

WIDE: Final = 580
"""Pixels of a drawing with panels; half as wide on a phone, its words can still be read."""

FONT: Final = (
    "system-ui,-apple-system,'Segoe UI','Noto Sans',Roboto,Helvetica,Arial,'Liberation Sans',"
    "sans-serif"
)
"""Whatever the reader's system writes with."""

TITLE, TEXT, SMALL = 15, 13, 12

BELOW: Final = 10
"""Pixels that stay free below a drawing, where another may follow."""


@dataclass(frozen=True)
class Theme:
    """Colours of one kind of page. `fills` are for layers, the first for what matters most."""

    name: str
    ink: str
    muted: str
    rule: str
    fills: tuple[str, ...]
    dots: str
    """Points that are only there for orientation."""


LIGHT: Final = Theme(
    "light",
    ink="#1f2328",
    muted="#59636e",
    rule="#d1d9e0",
    fills=("#1f6cb8", "#6695c8", "#0b2d55", "#8b949e"),
    dots="#c9d1d9",
)
DARK: Final = Theme(
    "dark",
    ink="#f0f6fc",
    muted="#9aa4af",
    rule="#3d444d",
    fills=("#58a6f0", "#3a6ea5", "#cfe5fb", "#8b949e"),
    dots="#3b434d",
)
THEMES: Final = (LIGHT, DARK)
