"""Looks after the servers of a run: one that dies is started again, a few times at most."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from builder.errors import ServerError, StorageError
from builder.server.container import State
from builder.server.ready import Note
from builder.server.replica import Replica


@dataclass(frozen=True)
class RestartPolicy:
    """How a server is brought back. Times in seconds.

    It is started again after `pauses[0]`, the second time within `within` after `pauses[1]`, and
    so on; when it dies once more it is given up. A server that runs and is not healthy for
    `unhealthy` counts as dead. `look` is the time between two looks at a container, `health` that
    between two questions to a server.
    """

    pauses: tuple[float, ...] = (1.0, 5.0, 25.0)
    within: float = 3600.0
    unhealthy: float = 180.0
    look: float = 0.5
    health: float = 5.0


class _Standing(Enum):
    UP = "up"
    PAUSING = "pausing"
    LOADING = "loading"
    GIVEN_UP = "given up"


class Keeper:
    """The upkeep of all servers of a run, in a thread. See `builder.engines.base.Upkeep`."""

    def __init__(
        self, replicas: Sequence[Replica], minutes: float, note: Note, policy: RestartPolicy
    ) -> None:
        self._watches = {
            replica.endpoint: _Watch(replica, minutes, note, policy) for replica in replicas
        }
        self._policy = policy
        self._hurry = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin to look after them."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more. What is being started now is started by the end of this call."""
        self._stopped.set()
        self._hurry.set()
        if self._thread.is_alive():
            self._thread.join()

    def returning(self, endpoint: str) -> bool:
        """Whether the server at `endpoint` is being brought back now: waiting makes sense.

        Raises `ServerError` once it was given up.
        """
        watch = self._watches.get(endpoint)
        if watch is None:
            return False
        self._hurry.set()  # who asks has seen it fail: look now
        return watch.returning()

    def _look(self) -> None:
        while not self._stopped.is_set():
            for watch in self._watches.values():
                with contextlib.suppress(ServerError):  # an engine that is away may come back
                    watch.look(time.monotonic())
            self._hurry.wait(self._policy.look)
            self._hurry.clear()
            self._stopped.wait(min(0.05, self._policy.look))  # however often somebody asks


class _Watch:
    """The look at one server: it is up, pauses before its restart, loads, or is given up."""

    def __init__(self, replica: Replica, minutes: float, note: Note, policy: RestartPolicy) -> None:
        self._replica, self._minutes, self._note, self._policy = replica, minutes, note, policy
        self._standing = _Standing.UP
        self._since = time.monotonic()  # of this standing; while up: last seen healthy
        self._asked = 0.0
        self._pause = 0.0
        self._restarts: list[float] = []
        self._given_up: tuple[str, str] = ("", "")

    def returning(self) -> bool:
        if self._standing is _Standing.GIVEN_UP:
            message, mend = self._given_up
            raise ServerError(message, mend=mend)
        return self._standing is not _Standing.UP

    def look(self, now: float) -> None:
        """See how it stands, and do what is next. Raises `ServerError` without an engine."""
        if self._standing is _Standing.PAUSING:
            if now - self._since >= self._pause:
                self._start_again(now)
        elif self._standing is not _Standing.GIVEN_UP:
            state = self._replica.state()
            if not state.running:
                self._died(state, now)
            elif self._standing is _Standing.UP:
                self._look_at_health(state, now)
            elif self._replica.healthy():
                self._is_back(now)
            elif now - self._since > self._minutes * 60:
                self._give_up(self._replica.too_slow(self._minutes))

    def _look_at_health(self, state: State, now: float) -> None:
        if now - self._asked < self._policy.health:
            return
        self._asked = now
        if self._replica.healthy():
            self._since = time.monotonic()
        elif now - self._since > self._policy.unhealthy:
            silent = f"it runs, and was not healthy for {now - self._since:.0f} s"
            error = ServerError(f"TGI gives no answer at {self._replica.endpoint}: {silent}")
            self._restart_or_give_up(error, silent, state, now)

    def _died(self, state: State, now: float) -> None:
        self._restart_or_give_up(
            self._replica.death(state), self._replica.reason(state), state, now
        )

    def _restart_or_give_up(
        self, error: ServerError, reason: str, state: State, now: float
    ) -> None:
        self._tell("server-died", status=None if state.running else state.status, reason=reason)
        self._restarts = [then for then in self._restarts if now - then < self._policy.within]
        number = len(self._restarts)
        if not self._replica.ours or number == len(self._policy.pauses):
            self._give_up(error)
            return
        self._pause = self._policy.pauses[number]
        self._restarts.append(now)
        self._stand(_Standing.PAUSING, now)

    def _start_again(self, now: float) -> None:
        self._stand(_Standing.LOADING, now)
        self._replica.ready_once = False
        self._tell("server-restarted", number=len(self._restarts))
        try:
            self._replica.start_again()
        except ServerError as error:
            self._restart_or_give_up(error, error.message, self._replica.state(), now)

    def _is_back(self, now: float) -> None:
        self._replica.ready_once = True
        self._tell("server-ready", seconds=round(now - self._since, 1))
        self._stand(_Standing.UP, time.monotonic())

    def _give_up(self, error: ServerError) -> None:
        times = len(self._restarts)
        mend = f"{error.mend} " if error.mend else ""
        if self._replica.ours:
            first = f"a server was given up after {times} restart{'s' * (times != 1)}: "
        else:
            first = f"the server {self._replica.name}, of `magpie serve`, is no more: "
            mend += "Start it anew with `magpie serve`, or let the build start its own. "
        self._given_up = (
            first + error.message,
            f"{mend}The run is whole: the same command goes on where it stopped.",
        )
        self._standing = _Standing.GIVEN_UP
        self._tell("server-given-up", reason=error.message.splitlines()[0])

    def _stand(self, standing: _Standing, now: float) -> None:
        self._standing, self._since = standing, now

    def _tell(self, event: str, **details: object) -> None:
        with contextlib.suppress(StorageError):  # a full disk stops the run where rows are written
            self._note(event, name=self._replica.name, endpoint=self._replica.endpoint, **details)
