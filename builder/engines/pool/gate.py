"""Which request goes to which lane, and when: one queue, in the order of arrival, for all lanes.

An `asyncio.Condition` would do, but it loses a wake-up when the woken task is cancelled, and
wakes one task only when the limit has grown by two.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from builder.engines.pool.lane import Lane

Place = tuple[Lane, bool]
"""A lane that a request was let into, and whether it is a probe there."""


class Gate:
    """Lets requests into `lanes`, no more than `most` at once over all; `inside` are in now."""

    def __init__(self, lanes: Sequence[Lane], most: int) -> None:
        self.inside = 0
        self._lanes = lanes
        self._most = most
        self._queue: deque[asyncio.Future[Place]] = deque()

    @property
    def waiting(self) -> int:
        """Requests that no lane has room for."""
        return len(self._queue)

    async def enter(self, *, first: bool) -> Place:
        """Get into the lane with the most room; wait for one, `first` before all that wait."""
        lane = self._free()
        return await self._turn(first) if lane is None else self._let_in(lane)

    def leave(self, place: Place) -> None:
        """Give a place back; who waits may have it."""
        lane, probe = place
        lane.leave(probe=probe)
        self.inside -= 1
        if self._queue:
            self.admit()

    def admit(self) -> None:
        """Let in who waits, as far as there is room."""
        while self._queue:
            lane = self._free()
            if lane is None:
                return
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(self._let_in(lane))

    def _free(self) -> Lane | None:
        """The lane that takes requests and has the least in flight for its limit."""
        if self.inside >= self._most:
            return None
        if len(self._lanes) == 1:
            return self._lanes[0] if self._lanes[0].takes else None
        free = [lane for lane in self._lanes if lane.takes]
        return min(free, key=Lane.load) if free else None

    def _let_in(self, lane: Lane) -> Place:
        self.inside += 1
        return lane, lane.enter()

    async def _turn(self, first: bool) -> Place:
        turn: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        (self._queue.appendleft if first else self._queue.append)(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given at that very moment: the next one gets it
                self.leave(turn.result())
            raise
