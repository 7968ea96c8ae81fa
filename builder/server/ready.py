"""Waits until servers are ready, and says how far they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from builder.server.image import Tell
from builder.server.replica import Replica

Note = Callable[..., None]
"""Writes an event of the run: its name, and details by name."""

FIRST_LOOK, LONGEST_LOOK = 0.1, 1.0
"""Seconds between two looks at servers that load; each is a tenth longer than the last."""


def _nothing(*_: object, **__: object) -> None:
    """Hear nothing."""


@dataclass(frozen=True)
class Ears:
    """Who hears of servers: `tell` how far they are, for people; `note` what happened to them."""

    tell: Tell = _nothing
    note: Note = _nothing


def wait_until_ready(replicas: Sequence[Replica], minutes: float, ears: Ears) -> None:
    """Wait until all servers say that they are ready, telling how far their launchers are.

    Raises `ServerError` as soon as one died, or when the time is over.
    """
    started, pause = time.monotonic(), FIRST_LOOK
    waiting = list(replicas)
    while True:
        for replica in list(waiting):
            if _is_ready(replica):
                waiting.remove(replica)
                seconds = round(time.monotonic() - started, 1)
                ears.note("server-ready", name=replica.name, seconds=seconds)
        if not waiting:
            return
        ears.tell(_words(replicas, waiting))
        if time.monotonic() - started > minutes * 60:
            raise waiting[0].too_slow(minutes)
        time.sleep(pause)
        pause = min(pause * 1.1, LONGEST_LOOK)


def _is_ready(replica: Replica) -> bool:
    state = replica.state()
    if not state.running:
        raise replica.death(state)
    replica.ready_once = replica.healthy()
    return replica.ready_once


def _words(replicas: Sequence[Replica], waiting: Sequence[Replica]) -> str:
    """Such as `2 of 4 servers ready, loading weights`: the step is that of one that is not."""
    step = str(waiting[0].step())
    if len(replicas) == 1:
        return step
    return f"{len(replicas) - len(waiting)} of {len(replicas)} servers ready, {step}"
