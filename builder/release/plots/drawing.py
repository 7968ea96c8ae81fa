"""The files of plots, and what the facts say of them.

plots/<split>/NAME-{light,dark}.svg       of one split; they belong to it
plots/all-splits/NAME-{light,dark}.svg    of all splits of a repository, rendered with its card
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builder.release.layout import plots_path
from builder.release.plots.bars import draw_bars
from builder.release.plots.bins import draw_bins
from builder.release.plots.facets import Facets, draw_facets
from builder.release.plots.series import Bars, Bins, Facts, compared, series
from builder.release.plots.theme import THEMES, WIDE, WIDTH, Theme
from builder.release.plots.words import alt
from builder.run.storage import write_text

TOGETHER: Final = "all-splits"
"""Folder of the plots of all splits. No split has a dash in its name."""

Drawn = Bars | Bins | tuple[str, Facets]
"""What can be drawn; a map with its name."""


@dataclass(frozen=True)
class Picture:
    """One plot: what the facts say of it, and its files by path in the release."""

    told: Mapping[str, Any]
    files: Mapping[str, str]


def pictures(plots: Sequence[Drawn], split: str) -> list[Picture]:
    """Draw plots for each theme. They follow from what is drawn alone, byte for byte.

    `told` is `{"name": "quality", "light": PATH, "dark": PATH, "alt": .., "width": 360,
    "height": 190}`: paths are those in the release, sizes in pixels.
    """
    return [_picture(one, split) for one in plots]


def _picture(one: Drawn, split: str) -> Picture:
    name = one[0] if isinstance(one, tuple) else one.name
    folder = plots_path(Path(), split)
    paths = {theme.name: (folder / f"{name}-{theme.name}.svg").as_posix() for theme in THEMES}
    drawn = {theme.name: _draw(one, theme) for theme in THEMES}
    told = {
        "name": name,
        **paths,
        "alt": one[1].alt if isinstance(one, tuple) else alt(one),
        "width": WIDE if isinstance(one, tuple) else WIDTH,
        "height": drawn[THEMES[0].name][1],
    }
    return Picture(told, {path: drawn[theme][0] for theme, path in paths.items()})


def _draw(one: Drawn, theme: Theme) -> tuple[str, int]:
    if isinstance(one, Bars):
        return draw_bars(one, theme)
    if isinstance(one, Bins):
        return draw_bins(one, theme)
    return draw_facets(one[1], theme)


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
    first = ("instruction-length", "response-length", "quality", "difficulty", "funnel")
    return first.index(one.name) if one.name in first else len(first)


def draw_together(release: Path, splits: Sequence[Facts]) -> None:
    """Write the plots of all splits together, and remove those of earlier ones that are none now.

    Of a single split there are none. Raises `StorageError`.
    """
    drawn = pictures(compared(splits), TOGETHER)
    wanted = {path for picture in drawn for path in picture.files}
    for old in plots_path(release, TOGETHER).glob("*.svg"):
        if old.relative_to(release).as_posix() not in wanted:
            old.unlink()
    _write(release, drawn)


def told_together(splits: Sequence[Facts]) -> list[Mapping[str, Any]]:
    """Return what a card says of the plots that `draw_together` writes."""
    return [picture.told for picture in pictures(compared(splits), TOGETHER)]


def _write(release: Path, drawn: Sequence[Picture]) -> None:
    for path, text in _files(drawn):
        (release / path).parent.mkdir(parents=True, exist_ok=True)
        write_text(release / path, text)


def _files(drawn: Sequence[Picture]) -> Iterator[tuple[str, str]]:
    for picture in drawn:
        yield from picture.files.items()
