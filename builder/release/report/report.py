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
from builder.release.report.places import NO_MAP, seen
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


def write_report(
    release: Path, to: Path, most: int = ROWS, places: pl.DataFrame | None = None
) -> Report:
    """Write the report of a release, with at most so many of its rows, as one file `to`.

    `places` is its map, as `read_places` gives it. Raises `RunError` when there is no release or
    its facts make no sense, `StorageError` when the disk refuses.
    """
    splits = splits_in(release)
    if not splits:
        raise RunError(
            f"{release} is no release: it has no card with facts",
            mend="Finish the run with `magpie build`, or release what is there: "
            "`magpie filter RUN`.",
        )
    facts = read_facts(release, splits[0])
    mapped = None if places is None else places["row"].drop_nulls()
    rows, of = _rows(parquet_files(release, RAW, splits[0]), most, mapped)
    told = cells(rows, facts["configs"][RAW]["columns"])
    no_map = NO_MAP if places is None else ""
    extent = {"rows": rows.height, "of": of, "no_map": no_map, **_extent(rows, told)}
    data = _data(facts, told) | {"map": None if places is None else seen(places, rows)}
    text = page(facts, data, extent)
    write_text(to, text)
    return Report(to, rows.height, of, len(text.encode()), no_map)


def _rows(files: list[Path], most: int, mapped: pl.Series | None) -> tuple[pl.DataFrame, int]:
    """Read the rows that go onto the page, and count all; only those are ever held whole."""
    raw = pl.scan_parquet(files)
    known = raw.select("row", "drop_reason").collect()
    wanted = spread(known, most, mapped)
    return raw.filter(pl.col("row").is_in(wanted.implode())).collect(), known.height


def _data(facts: Facts, told: Cells) -> dict[str, Any]:
    """What the code of the page reads."""
    return {
        "rows": len(told.values["row"]),
        "columns": told.columns,
        "values": told.values,
        "cut": told.cut,
        "longest": told.longest,
        "reasons": [step["reason"] for step in facts["funnel"]["dropped"]],
        "charts": charts(facts),
    }


def _extent(rows: pl.DataFrame, told: Cells) -> Mapping[str, Any]:
    """What the page says of how much of the run it has."""
    return {
        "kept": rows["drop_reason"].null_count(),
        "cut": sum(len(found) for found in told.cut.values()),
        "longest": told.longest,
    }
