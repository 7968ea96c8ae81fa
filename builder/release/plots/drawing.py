"""The files of plots, and what the facts say of them.

plots/<split>/NAME.svg       of one split; they belong to it
plots/all-splits/NAME.svg    of all splits of a repository, rendered with its card
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builder.release.layout import plots_path
from builder.release.plots.bars import draw_bars
from builder.release.plots.bins import draw_bins
from builder.release.plots.facets import Facets, draw_facets
from builder.release.plots.series import Bars, Bins, Facts, compared, series
from builder.release.plots.svg import Drawing
from builder.release.plots.words import alt
from builder.run.storage import write_text

TOGETHER: Final = "all-splits"
"""Folder of the plots of all splits. No split has a dash in its name."""

Drawn = Bars | Bins | tuple[str, Facets]
"""What can be drawn; a map with its name."""


@dataclass(frozen=True)
class Picture:
    """One plot: what the facts say of it, and its file."""

    told: Mapping[str, Any]
    svg: str

    @property
    def path(self) -> str:
        """Where its file lies in the release."""
        return str(self.told["file"])


def pictures(plots: Sequence[Drawn], split: str) -> list[Picture]:
    """Draw plots. They follow from what is drawn alone, byte for byte.

    `told` is `{"name": "quality", "file": "plots/pro/quality.svg", "alt": .., "width": 344,
    "height": 190}`: the path is that in the release, sizes are in pixels.
    """
    return [_picture(one, split) for one in plots]


def _picture(one: Drawn, split: str) -> Picture:
    name = one[0] if isinstance(one, tuple) else one.name
    drawing = _draw(one)
    told = {
        "name": name,
        "file": (plots_path(Path(), split) / f"{name}.svg").as_posix(),
        "alt": one[1].alt if isinstance(one, tuple) else alt(one),
        "width": drawing.width,
        "height": drawing.height,
    }
    return Picture(told, drawing.text)


def _draw(one: Drawn) -> Drawing:
    if isinstance(one, Bars):
        return draw_bars(one)
    if isinstance(one, Bins):
        return draw_bins(one)
    return draw_facets(one[1])


def draw_split(
    release: Path, facts: Facts, maps: Sequence[tuple[str, Facets]]
) -> list[Mapping[str, Any]]:
    """Write the plots of a split into its release; return what its facts say of them.

    Raises `StorageError`.
    """
    drawn = pictures([*sorted(series(facts), key=_place), *maps], facts["split"])
    _write(release, drawn)
    return [picture.told for picture in drawn]


def _place(one: Bars | Bins) -> int:
    """Two drawings stand side by side on a card, so those of about one height follow each other."""
    return _ORDER.index(one.name)


_ORDER: Final = (
    "instruction-length",
    "response-length",
    "quality",
    "difficulty",
    "category",
    "neighbour-distance",
    "reward",
    "reward-difference",
    "funnel",
    "language",
)


def draw_together(release: Path, splits: Sequence[Facts]) -> None:
    """Write the plots of all splits together, and remove those of earlier ones that are none now.

    Of a single split there are none. Raises `StorageError`.
    """
    drawn = pictures(compared(splits), TOGETHER)
    wanted = {picture.path for picture in drawn}
    for old in plots_path(release, TOGETHER).glob("*.svg"):
        if old.relative_to(release).as_posix() not in wanted:
            old.unlink()
    _write(release, drawn)


def told_together(splits: Sequence[Facts]) -> list[Mapping[str, Any]]:
    """Return what a card says of the plots that `draw_together` writes."""
    return [picture.told for picture in pictures(compared(splits), TOGETHER)]


def _write(release: Path, drawn: Sequence[Picture]) -> None:
    for picture in drawn:
        path = release / picture.path
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, picture.svg)
