"""Looking at a run while it works: the counts that people see, and those that stay."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

from builder.errors import StorageError
from builder.generate.ledger import Ledger
from builder.generate.meter import Meter
from builder.generate.pools import Pools
from builder.generate.work import Reports
from builder.run.planner import Planner

TICK = 0.25
"""Seconds between two looks at the counts."""

NOTE_EVERY = 40
"""Ticks between two progress events in events.jsonl: 10 seconds."""


@dataclass(frozen=True)
class Look:
    """What is looked at, and who is told."""

    ledger: Ledger
    pools: Pools
    meter: Meter
    reports: Reports
    planner: Planner

    async def tick(self) -> None:
        """Look again and again, and note it now and then."""
        ticks = 0
        while True:
            self.once()
            if ticks % NOTE_EVERY == NOTE_EVERY - 1:
                self.note("progress")
            ticks += 1
            await asyncio.sleep(TICK)

    def once(self) -> None:
        """Bring the progress and its plan up to date, and tell a plan that has changed."""
        progress, pools = self.reports.progress, self.pools
        progress.sampled, progress.kept = self.ledger.settled, self.ledger.kept
        progress.target_kept = self.ledger.goal.kept
        progress.seconds = time.monotonic() - progress.began
        progress.in_flight, progress.tokens = pools.in_flight, pools.tokens
        progress.retries, progress.idle_share = dict(pools.retries), pools.idle_share
        progress.servers, progress.away = pools.servers, pools.away
        progress.stages = self.meter.told()
        progress.mark()
        plan = self.planner.look(progress)
        if plan is not None:
            self._note("plan", plan.to_json())
            progress.planned(plan)

    def note(self, event: str) -> None:
        """Note the counts."""
        self._note(event, self.reports.progress.event())

    def _note(self, event: str, details: Mapping[str, object]) -> None:
        """Note an event. Where the disk takes no note, the rows fail too, and say it better."""
        with contextlib.suppress(StorageError):
            self.reports.note(event, **details)
