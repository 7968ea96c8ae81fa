"""Where the rows of a report lie on its map: where the release's own map has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import polars as pl

NO_MAP: Final = (
    "the release was made without one: it takes vectors of at least 50 rows (the annotator "
    "`embedding`) and the extra `plots` (pip install 'magpie-builder[plots]'); then run "
    "`magpie filter RUN`"
)


def read_places(path: Path) -> pl.DataFrame | None:
    """Return the places of a release's map (columns `points.PLACES`), or None where it has none.

    A file that another version of magpie wrote in another form counts as none.
    """
    from builder.release.plots.points import PLACES

    try:
        found = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError):
        return None
    known = found.collect_schema()
    same = all(known.get(name) == kind for name, kind in PLACES.items())
    return found.select(list(PLACES)) if same and found.height else None


def seen(places: pl.DataFrame, rows: pl.DataFrame) -> dict[str, Any]:
    """Return the map as a page has it: the points of its rows, and those of other data sets.

    `rows` are the rows on the page. A point has the position of its row on the page, or of its
    data set in `sets` and the beginning of its text. Places go from 0 to 1, the narrower side is
    in the middle; `y` goes down.
    """
    position = rows.select("row", position=pl.int_range(pl.len()))
    own = places.filter(pl.col("set").is_null()).drop("text", "set")
    own = own.join(position, on="row", maintain_order="right")
    others = places.filter(pl.col("set").is_not_null())
    sets = others["set"].unique(maintain_order=True).to_list()
    numbers = {name: number for number, name in enumerate(sets)}
    return {
        "rows": own["position"].to_list() + [-1] * others.height,
        "sets": sets,
        "set": [-1] * own.height + [numbers[name] for name in others["set"]],
        "texts": [None] * own.height + others["text"].to_list(),
        **{axis: _middled(pl.concat([own[axis], others[axis]])) for axis in ("x", "y")},
    }


def _middled(values: pl.Series) -> list[float]:
    """Move values from 0 to 1 so that there is as much room below as above."""
    shift = (1 - sum(values.sort().gather([0, -1]))) / 2 if values.len() else 0.0
    return [round(value + shift, 4) for value in values]
