"""Reading single rows of a run, with what the last selection decided about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from builder.errors import UsageError
from builder.rows import SELECTION
from builder.run.directory import NEIGHBOURS_FILE, RunDirectory


@dataclass(frozen=True)
class Wanted:
    """Which rows: one by its number, or `number` of those kept, dropped, or dropped by a rule."""

    number: int = 5
    row: int | None = None
    dropped: bool = False
    reason: str | None = None


def read_rows(run: RunDirectory, wanted: Wanted) -> list[dict[str, Any]]:
    """Rows with the columns of all stages, of their neighbours and of the selection, in row order.

    Where there are more than wanted, they are spread evenly over the run. `selected` is false for
    rows that no selection has seen yet: they have no `drop_reason`. Raises `RunError` when this
    is no run, and `UsageError` for a rule that dropped nothing or a row that is not there.
    """
    shards = run.shards(run.record())
    numbers = _numbers(_selection(run), wanted)
    rows: list[dict[str, Any]] = []
    for shard in shards:
        inside = [number for number in numbers if shard.first <= number < shard.end]
        if inside:
            found = shard.rows().filter(pl.col("row").is_in(inside))
            rows += found.drop(pl.selectors.binary()).to_dicts()  # vectors are not for reading
    if wanted.row is not None and not rows:
        raise UsageError(f"{run.path} has no row {wanted.row}", mend="`magpie status` counts them.")
    return _with_decisions(_with_neighbours(rows, run), run)


def _with_neighbours(rows: list[dict[str, Any]], run: RunDirectory) -> list[dict[str, Any]]:
    """Add what selecting found of the rows' neighbours, where it looked for them."""
    path = run.selection_path.with_name(NEIGHBOURS_FILE)
    if not path.exists():
        return rows
    found = pl.scan_parquet(path).filter(pl.col("row").is_in([row["row"] for row in rows]))
    near = {row["row"]: row for row in found.collect().to_dicts()}
    return [row | near.get(row["row"], {}) for row in rows]


def _with_decisions(rows: list[dict[str, Any]], run: RunDirectory) -> list[dict[str, Any]]:
    undecided = {"drop_reason": None, "duplicate_of": None, "selected": False}
    if not run.selection_path.exists():
        return [row | undecided for row in rows]
    wanted = pl.col("row").is_in([row["row"] for row in rows])
    selection = pl.scan_parquet(run.selection_path).filter(wanted).collect()
    decided = {row["row"]: row | {"selected": True} for row in selection.to_dicts()}
    return [row | decided.get(row["row"], undecided) for row in rows]


def _selection(run: RunDirectory) -> pl.DataFrame:
    """What was decided; before the first selection, every row that has an instruction."""
    if run.selection_path.exists():
        return pl.read_parquet(run.selection_path)
    frames = [shard.stage("instruct").select("row", "uuid") for shard in run.shards(run.record())]
    rows = (
        pl.concat(frames) if frames else pl.DataFrame(schema={"row": pl.Int64, "uuid": pl.String})
    )
    empty = pl.lit(None, dtype=pl.String)
    return rows.with_columns(drop_reason=empty, duplicate_of=empty).select(*SELECTION)


def _numbers(selection: pl.DataFrame, wanted: Wanted) -> list[int]:
    if wanted.row is not None:
        return [wanted.row]
    reason = pl.col("drop_reason")
    if wanted.reason is not None:
        chosen = selection.filter(reason == wanted.reason)
        if chosen.is_empty():
            seen = selection["drop_reason"].drop_nulls().unique().sort().to_list()
            raise UsageError(
                f"no row was dropped by {wanted.reason!r}",
                mend=f"Reasons in this run: {', '.join(seen) or 'none'}.",
            )
    else:
        chosen = selection.filter(reason.is_not_null() if wanted.dropped else reason.is_null())
    count = min(wanted.number, chosen.height)
    step = chosen.height / count if count else 0
    return [int(chosen["row"][int(index * step)]) for index in range(count)]
