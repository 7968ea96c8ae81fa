"""Make the report of a run from its release: the main path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from builder.errors import RunError
from builder.release.facts import Facts, read_facts
from builder.release.layout import RAW, parquet_files, splits_in
from builder.release.report.cells import Cells, cells
from builder.release.report.charts import charts
from builder.release.report.page import page
from builder.release.report.spread import spread
from builder.run.storage import write_text

ROWS: Final = 5_000
"""Rows on a page, unless somebody asks for more or fewer: some 10 MB, open in about a second."""


@dataclass(frozen=True)
class Report:
    """A report that was written: `rows` of the run's `of` rows are in it."""

    path: Path
    rows: int
    of: int
    size: int
    """Bytes."""
    no_map: str = ""
    """Why it has no map; empty where it has one."""

    def to_json(self) -> dict[str, object]:
        """Return `{"report": "runs/demo/report.html", "rows": 353, "of": 353, ...}`."""
        return {
            "report": str(self.path),
            "rows": self.rows,
            "of": self.of,
            "bytes": self.size,
            "no_map": self.no_map or None,
        }


@dataclass(frozen=True)
class Sights:
    """Where rows lie on the map: `points` has columns `row`, `x` and `y`, or `lacks` says why
    there are none."""

    points: pl.DataFrame | None = None
    lacks: str = ""


def write_report(release: Path, to: Path, most: int = ROWS) -> Report:
    """Write the report of a release, with at most so many of its rows, as one file `to`.

    Raises `RunError` when there is no release or its facts make no sense, `StorageError` when
    the disk refuses.
    """
    splits = splits_in(release)
    if not splits:
        raise RunError(
            f"{release} is no release: it has no card with facts",
            mend="Finish the run with `magpie build`, or release what is there: `magpie filter RUN`.",
        )
    facts = read_facts(release, splits[0])
    rows, of = _rows(parquet_files(release, RAW, splits[0]), most)
    sights = Sights()
    told = cells(rows, facts["configs"][RAW]["columns"])
    text = page(facts, _data(facts, told, rows, sights), _extent(rows, of, told, sights))
    write_text(to, text)
    return Report(to, rows.height, of, len(text.encode()), sights.lacks)


def _rows(files: list[Path], most: int) -> tuple[pl.DataFrame, int]:
    """Read the rows that go onto the page, and count all; only those are ever held whole."""
    raw = pl.scan_parquet(files)
    known = raw.select("row", "drop_reason").collect()
    wanted = spread(known, most)
    return raw.filter(pl.col("row").is_in(wanted.implode())).collect(), known.height


def _data(facts: Facts, told: Cells, rows: pl.DataFrame, sights: Sights) -> dict[str, Any]:
    """What the code of the page reads."""
    return {
        "rows": rows.height,
        "columns": told.columns,
        "values": told.values,
        "cut": told.cut,
        "longest": told.longest,
        "reasons": [step["reason"] for step in facts["funnel"]["dropped"]],
        "charts": charts(facts),
        "map": _map(rows, sights.points),
    }


def _map(rows: pl.DataFrame, points: pl.DataFrame | None) -> dict[str, list[Any]] | None:
    """Positions on the page of the rows that the map shows, and where they lie, from 0 to 1."""
    if points is None:
        return None
    place = pl.int_range(pl.len()).alias("place")
    found = rows.select("row", place).join(points, on="row", maintain_order="left")
    low = [found["x"].min(), found["y"].min()]
    span = max(found["x"].max() - low[0], found["y"].max() - low[1]) or 1.0
    return {
        "rows": found["place"].to_list(),
        "x": [round((x - low[0]) / span, 4) for x in found["x"]],
        "y": [round((y - low[1]) / span, 4) for y in found["y"]],
    }


def _extent(rows: pl.DataFrame, of: int, told: Cells, sights: Sights) -> Mapping[str, Any]:
    """What the page says of how much of the run it has."""
    return {
        "rows": rows.height,
        "of": of,
        "kept": rows["drop_reason"].null_count(),
        "cut": sum(len(found) for found in told.cut.values()),
        "longest": told.longest,
        "no_map": sights.lacks,
    }
