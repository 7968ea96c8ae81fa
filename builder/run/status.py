"""How a run stands, read from its directory alone: nothing is locked, nothing is changed."""

from __future__ import annotations

import dataclasses
import fcntl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from builder.run.accounting import cost_of
from builder.run.budget import seconds_used
from builder.run.directory import RunDirectory
from builder.run.shards import Shard


@dataclass(frozen=True)
class Status:
    """How a run stands.

    `pid` is that of the process working on it, None when none does. `instructed` and `answered`
    count the rows whose stage is finished on disk; `tokens` is over both. `dropped` and `kept`
    are those of the last selection, None before the first. Speeds are the last that were noted.
    So are `in_flight`, how many `servers` there are and how many are `away`, `retries` by their
    reason, and `idle_share`: the share of time, 0 to 1, in which the engine had nothing to do for
    us, None where nothing was sampled yet. `plan` is the latest (`Plan.to_json`), None before the
    end of the pilot; `cost` is what was used so far (`accounting.cost_of`).
    """

    path: str
    recipe: str
    pid: int | None
    target_kept: int | None
    target_sampled: int | None
    instructed: int
    answered: int
    tokens: int
    dropped: Mapping[str, int] | None
    kept: int | None
    kept_so_far: int
    rows_a_second: float
    tokens_a_second: float
    in_flight: int
    idle_share: float | None
    servers: int
    away: int
    retries: Mapping[str, int]
    seconds: float
    released: bool
    plan: Mapping[str, object] | None
    cost: Mapping[str, object]

    def to_json(self) -> dict[str, object]:
        """All fields by name."""
        return dataclasses.asdict(self)


def status_of(run: RunDirectory) -> Status:
    """Read how a run stands. Raises `RunError` when it is none."""
    record = run.record()
    target = record.recipe["target"]
    assert isinstance(target, dict)
    shards = list(run.shards(record))
    counts = {stage: _counted(shards, stage) for stage in ("instruct", "respond")}
    noted = next((e for e in reversed(run.events()) if "rows_a_second" in e), {})
    idle_share = noted.get("idle_share")
    retries = noted.get("retries")
    dropped, kept = _selected(run.selection_path)
    kept_so_far = _number(noted, "kept")
    pid, used = worker(run), seconds_used(run)
    stands = pid is None and kept is not None
    return Status(
        path=str(run.path),
        recipe=str(record.recipe["name"]),
        pid=pid,
        target_kept=target["kept"],
        target_sampled=target["sampled"],
        instructed=counts["instruct"][0],
        answered=counts["respond"][0],
        tokens=counts["instruct"][1] + counts["respond"][1],
        dropped=dropped,
        kept=kept,
        kept_so_far=kept_so_far,
        rows_a_second=float(str(noted.get("rows_a_second", 0))),
        tokens_a_second=float(str(noted.get("tokens_a_second", 0))),
        in_flight=_number(noted, "in_flight"),
        idle_share=None if idle_share is None else float(str(idle_share)),
        servers=_number(noted, "servers"),
        away=_number(noted, "away"),
        retries=retries if isinstance(retries, dict) else {},
        seconds=round(used, 1),
        released=(run.release_path / "README.md").is_file(),
        plan=_plan(run, used),
        cost=cost_of(run, kept if stands else kept_so_far),
    )


def worker(run: RunDirectory) -> int | None:
    """The pid of the process that works on a run, or None."""
    try:
        with (run.path / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read().strip() or 0)
    except FileNotFoundError:
        pass
    return None


def _plan(run: RunDirectory, used: float) -> Mapping[str, object] | None:
    """The latest plan that was noted; its time left is that after `used` seconds."""
    noted = next((event for event in reversed(run.events()) if event["event"] == "plan"), None)
    if noted is None:
        return None
    plan = {name: value for name, value in noted.items() if name not in ("time", "event")}
    if plan["seconds"] is not None:
        plan["seconds_left"] = round(max(0.0, float(str(plan["seconds"])) - used), 1)
    return plan


def _number(event: Mapping[str, object], name: str) -> int:
    return int(str(event.get(name, 0)))


def _counted(shards: list[Shard], stage: str) -> tuple[int, int]:
    """Rows and tokens of a stage over all shards, narrow columns only."""
    column = {"instruct": "instruction_tokens", "respond": "response_tokens"}[stage]
    rows = tokens = 0
    for shard in shards:
        frame = shard.stage(stage, ("row", column))
        rows += frame.height
        tokens += int(frame[column].sum())
    return rows, tokens


def _selected(path: Path) -> tuple[dict[str, int] | None, int | None]:
    if not path.exists():
        return None, None
    reasons = pl.read_parquet(path, columns=["drop_reason"])["drop_reason"]
    counts = dict(reasons.drop_nulls().value_counts(sort=True).iter_rows())
    return counts, reasons.null_count()
