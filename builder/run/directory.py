"""The run directory: where everything of a run lies, and who may work on it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from builder.errors import RunError
from builder.recipe.schema import Recipe
from builder.run.journal import Journal, read_journal
from builder.run.lock import locked
from builder.run.record import (
    RunRecord,
    fingerprint,
    installed_versions,
    read_record,
    refuse_change,
    write_record,
)
from builder.run.shards import Shards
from builder.run.storage import is_draft, sweep_drafts

RUNS: Final = Path("runs")
"""Where runs lie unless they are told to lie elsewhere: in the working directory."""

NEIGHBOURS_FILE: Final = "neighbours.parquet"
"""Name, beside the selection, of what is known of the rows' neighbours."""


class RunDirectory:
    """A run on disk: run.json, events.jsonl, shards/, selection.parquet, release/."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record_path = path / "run.json"
        self.events_path = path / "events.jsonl"
        self.selection_path = path / "selection.parquet"
        self.release_path = path / "release"
        self.log_path = path / "server.log"
        self._events: Journal | None = None
        self._noting = threading.Lock()

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for this process and clear what a killed one left half written.

        Raises `RunLockedError` when another process holds it, and `RunError` when the directory
        holds something else than a run.
        """
        self._refuse_foreign()
        with locked(self.path / "lock"):
            sweep_drafts(self.path)
            for entry in self.path.glob("shards/*"):
                sweep_drafts(entry)
            try:
                yield
            finally:
                if self._events is not None:
                    self._events.close()
                    self._events = None

    def _refuse_foreign(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self.path} is a file", mend="Name a directory: --run DIR")
        names = {entry.name for entry in self.path.iterdir()} if self.path.exists() else set()
        foreign = sorted(name for name in names if name != "lock" and not is_draft(name))
        if foreign and "run.json" not in names:
            raise RunError(
                f"{self.path} is no run, and not empty: it holds {foreign[0]!r}",
                mend="Name another directory: --run DIR",
            )

    def begin(self, offer: RunRecord) -> RunRecord:
        """Make run.json, or bring its recipe up to date when the run goes on.

        `offer` is the record of a run that starts now; its fingerprint and versions are filled
        in here, and what is fixed for ever is taken from a run that stands already. Raises
        `RunChangedError` when the rows that are here have another shape.
        """
        old = read_record(self.record_path) if self.holds_rows() else None
        if old is not None:
            refuse_change(old, offer.shape, self.path)
        record = dataclasses.replace(
            offer,
            rows_a_shard=old.rows_a_shard if old else offer.rows_a_shard,
            fingerprint=fingerprint(offer.shape),
            versions=old.versions if old else installed_versions(),
            server=old.server if old else None,
            preflight=old.preflight if old else None,
        )
        write_record(self.record_path, record)
        return record

    def amend(
        self,
        *,
        server: Mapping[str, object] | None = None,
        preflight: Mapping[str, object] | None = None,
    ) -> None:
        """Add to run.json what was found out while the run began. Raises `StorageError`."""
        record = self.record()
        found = {"server": server, "preflight": preflight}
        changes = {key: value for key, value in found.items() if value is not None}
        write_record(self.record_path, dataclasses.replace(record, **changes))  # type: ignore[arg-type]

    def holds_rows(self) -> bool:
        """Whether any row was sampled: until then a run may become another."""
        return any(path.stat().st_size for path in self.path.glob("shards/*/[!.]*"))

    def record(self) -> RunRecord:
        """What run.json holds. Raises `RunError` when this is no run."""
        record = read_record(self.record_path)
        if record is None:
            raise RunError(
                f"{self.path} is no run: it has no run.json",
                mend="`magpie status` lists the runs; `magpie build RECIPE` starts one.",
            )
        return record

    def shards(self, record: RunRecord) -> Shards:
        """The shards of the run, with the stages that its recipe has now."""
        from builder.recipe.annotators import stages  # knows all annotators

        recipe = Recipe.model_validate(record.recipe)
        return Shards(self.path / "shards", record.rows_a_shard, stages(recipe))

    def note(self, event: str, **details: object) -> None:
        """Append an event with the time at which it happened (UTC), while the run is locked.

        Raises `StorageError`.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        with self._noting:  # who looks after a server notes from a thread of its own
            self._events = self._events or Journal(self.events_path)
            self._events.append({"time": now, "event": event} | details)

    def events(self) -> list[dict[str, object]]:
        """All events, oldest first."""
        return read_journal(self.events_path)


def runs_in(folder: Path) -> list[RunDirectory]:
    """The runs in a folder, by name."""
    return [RunDirectory(path.parent) for path in sorted(folder.glob("*/run.json"))]
