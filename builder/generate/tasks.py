"""The rows under way, each a task of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine


class Tasks:
    """Rows under way. `changed` is set when one has ended, or when there is room for more.

    `asyncio.wait` would do, but it visits every task each time that one ends.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._ended: deque[asyncio.Task[None]] = deque()

    def __len__(self) -> int:
        return len(self._open)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Begin to work on a row."""
        task = asyncio.create_task(work)
        self._open.add(task)
        task.add_done_callback(self._end)

    async def settle(self) -> None:
        """Wait for a change. Raises what an ended task has raised."""
        await self.changed.wait()
        self.changed.clear()
        while self._ended:
            task = self._ended.popleft()
            task.result()
            self._open.discard(task)

    async def cancel(self) -> None:
        """End all. Several may have failed: each is asked for it, or asyncio would complain."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._ended.append(task)
        self.changed.set()
