"""How many may be inside at once: a limit that can change, and a queue in the order of arrival.

An `asyncio.Condition` would do, but it loses a wake-up when the woken task is cancelled, and
wakes one task only when the limit has grown by two.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator


class Gate:
    """Lets `limit` in at once; `inside` are in now."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.inside = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place while the block runs; wait for one before it."""
        if self.inside < self.limit:
            self.inside += 1
        else:
            await self._turn()
        try:
            yield
        finally:
            self.inside -= 1
            self._admit()

    def widen(self) -> None:
        """Raise the limit by one, and let in who waits for it."""
        self.limit += 1
        self._admit()

    async def _turn(self) -> None:
        """Wait until the place of somebody who left is ours."""
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given at that very moment: the next one gets it
                self.inside -= 1
                self._admit()
            raise

    def _admit(self) -> None:
        while self._queue and self.inside < self.limit:
            turn = self._queue.popleft()
            if not turn.cancelled():
                self.inside += 1
                turn.set_result(None)
