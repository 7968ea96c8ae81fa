"""Colours and measures of the drawings: one blue and greys, as light pages show them and dark ones.

A drawing is one file that adapts itself. Light colours stand as attributes of the shapes, which
need no style sheet, so they hold where a server's Content-Security-Policy refuses one; dark colours
stand in a style sheet of the drawing for readers who prefer dark. A page may have a theme of its
own that is not the reader's, so each drawing has an opaque panel and never stands on the page.

What carries meaning keeps a contrast of 3 to 1 with the panel, text one of 4.5 to 1 (WCAG 2.2,
success criteria 1.4.11 and 1.4.3). Tones of one hue differ in lightness, so no kind of colour
vision is needed to tell them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MARGIN: Final = 10
"""Pixels of the panel around what is drawn."""

GUTTER: Final = 6
"""Pixels right of the panel and below it, where another drawing may follow."""

WIDTH: Final = 320
"""Pixels of what is drawn: two drawings stand side by side in a column of 700 pixels, and one
fills a phone at its own size."""

WIDE: Final = 440
"""Pixels of what is drawn in panels; a phone shows it at three quarters of its size, so its words
are larger."""

FONT: Final = (
    "system-ui,-apple-system,'Segoe UI','Noto Sans',Roboto,Helvetica,Arial,'Liberation Sans',"
    "sans-serif"
)
"""Whatever the reader's system writes with."""

TITLE, TEXT, SMALL = 15, 13, 12
WIDE_TITLE, WIDE_TEXT, WIDE_SMALL = 18, 15, 15


@dataclass(frozen=True)
class Tone:
    """A colour on light pages and on dark ones; `name` is its class in a drawing."""

    name: str
    light: str
    dark: str

    @property
    def fill(self) -> str:
        """Attributes of a shape that is filled with it."""
        return f'class="{self.name}" fill="{self.light}"'

    @property
    def stroke(self) -> str:
        """Attributes of a shape whose line is drawn with it."""
        return f'class="{self.name}-line" stroke="{self.light}"'

    @property
    def rules(self) -> str:
        """What the style sheet says of its classes on dark pages."""
        return f".{self.name}{{fill:{self.dark}}}.{self.name}-line{{stroke:{self.dark}}}"


PAGE: Final = Tone("page", "#ffffff", "#0d1117")
"""The panel."""
INK: Final = Tone("ink", "#1f2328", "#f0f6fc")
MUTED: Final = Tone("muted", "#59636e", "#9aa4af")
RULE: Final = Tone("rule", "#d1d9e0", "#3d444d")
DOTS: Final = Tone("dots", "#c9d1d9", "#3b434d")
"""Points that are only there for orientation."""
FILLS: Final = (
    Tone("first", "#1f6cb8", "#58a6f0"),
    Tone("second", "#6695c8", "#3a6ea5"),
    Tone("third", "#0b2d55", "#cfe5fb"),
    Tone("fourth", "#8b949e", "#8b949e"),
)
"""Tones of layers, the first for what matters most."""

TONES: Final = (PAGE, INK, MUTED, RULE, DOTS, *FILLS)

DARK: Final = f"@media (prefers-color-scheme:dark){{{''.join(tone.rules for tone in TONES)}}}"
"""The style sheet of every drawing."""
