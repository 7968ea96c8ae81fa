"""One server of ours at one address, over the containers that it lives in."""

from __future__ import annotations

import dataclasses
import time

from builder.errors import ServerError
from builder.server.client import ContainerEngine, engine_errors
from builder.server.container import State, begin, healthy, remove, start_container, state_of
from builder.server.failure import Ending, Setting, failure, not_ready, reason_in_words
from builder.server.launcher_log import Step
from builder.server.leftovers import Found
from builder.server.log import LogFollower, LogOut
from builder.server.plan import ContainerPlan

SERVING = "serving"
"""What a server is at that was ready."""


class Replica:
    """A server: a container that is started for it, or one that was there.

    `ours` tells whether it ends with us. `out` is where its log goes. Nothing is started before
    `start` is called.
    """

    def __init__(
        self, engine: ContainerEngine, plan: ContainerPlan, setting: Setting, out: LogOut
    ) -> None:
        self.plan = plan
        self.endpoint = plan.endpoint
        self.name = plan.name
        self.ours = True
        self.ready_once = False
        self._engine, self._setting, self._out = engine, setting, out
        self._container = ""
        self._log: LogFollower | None = None

    def start(self) -> None:
        """Start a container. Raises `ServerError`; nothing is left of it then."""
        self._container = start_container(self._engine, self.plan, self._setting)
        self._follow(self._out)

    def adopt(self, found: Found, after: float | None) -> None:
        """Take a container that serves the same already, and read its log from `after` on."""
        self._container, self.name, self.endpoint = found.id, found.name, found.endpoint
        self.ours = not found.stays
        self._follow(dataclasses.replace(self._out, name=found.name, after=after))

    def start_again(self) -> None:
        """Bring it back: start its container again, or a new one where that was removed.

        Raises `ServerError`; nothing is left of it then.
        """
        state = self.state()
        if self._log and state.there:
            self._log.began_again()
        if not state.there:
            self.stop_following()
            self._out = dataclasses.replace(self._out, after=time.time())
            self.start()
            return
        if state.running:
            with engine_errors("ending a server that gives no answer"):
                self._engine.client.api.restart(self._container, timeout=0)
        else:
            begin(self._engine, self._container, self._setting)

    def remove(self) -> None:
        """End it, where it is ours, and remove its container. Raises `ServerError`."""
        self.stop_following()
        if self.ours and self._container:
            remove(self._engine, self._container)

    def stop_following(self) -> None:
        """Read its log no more."""
        if self._log:
            self._log.stop()

    def state(self) -> State:
        """How its container stands. Raises `ServerError` when the engine does not answer."""
        return state_of(self._engine, self._container)

    def healthy(self) -> bool:
        """Whether it says that it is ready."""
        return healthy(self.endpoint)

    def step(self) -> Step:
        """How far its launcher has come."""
        assert self._log is not None
        return self._log.step

    def death(self, state: State) -> ServerError:
        """The error for its death: when, at what, why, and its last lines."""
        if not state.there:
            return ServerError(
                f"the container {self.name} was removed by somebody",
                mend="Run the same command again.",
            )
        return failure(self._ending(state), self._setting)

    def reason(self, state: State) -> str:
        """Why it died, in a few words."""
        if not state.there:
            return "removed by somebody"
        return reason_in_words(self._ending(state), self._setting)

    def too_slow(self, minutes: float) -> ServerError:
        """The error for a server that is still not ready."""
        lines = self._log.lines() if self._log else ()
        return not_ready(self.step().phase, minutes, lines, self._setting)

    def _ending(self, state: State) -> Ending:
        assert self._log is not None
        lines = self._log.last_lines()
        return Ending(
            status=state.status,
            out_of_memory=state.out_of_memory,
            seconds=state.seconds,
            phase=SERVING if self.ready_once else self.step().phase,
            lines=lines,
            note=state.note,
        )

    def _follow(self, out: LogOut) -> None:
        self._log = LogFollower(self._engine, self._container, out)
        self._log.start()
