"""A question that is asked beside others, and that nobody has to wait for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Background(Generic[Answer]):
    """Calls a function in a thread that does not keep the process alive.

    A look-up of a name or an engine that hangs can hold a thread for minutes; a pool's threads
    would hold up the end of the process for as long.
    """

    def __init__(self, call: Callable[[], Answer]) -> None:
        self._call = call
        self._answer: list[Answer] = []
        self._done = threading.Event()
        self._start = time.monotonic()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._answer.append(self._call())
        finally:
            self._done.set()

    def within(self, seconds: float) -> Answer | None:
        """The answer, if it is there `seconds` after the question was asked; else None."""
        left = self._start + seconds - time.monotonic()
        self._done.wait(max(0.0, left))
        return self._answer[0] if self._answer else None
