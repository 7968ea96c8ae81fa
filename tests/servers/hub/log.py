"""What the Hub was asked, in memory: never a token, and no query, for signed ones open files."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass
class Asked:
    """A request, counted from 0. `received` and `sent` are the bytes of the two bodies.

    `status` is None while nothing was answered; it stays so where the connection was reset.
    """

    number: int
    method: str
    path: str
    route: str
    user: str | None = None
    fault: str | None = None
    status: int | None = None
    received: int = 0
    sent: int = 0

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


class Log:
    """`asked` holds all requests; `since(log.mark())` those that come after a moment."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._lock = threading.Lock()

    def enter(self, method: str, path: str, route: str) -> Asked:
        with self._lock:
            self.asked.append(Asked(len(self.asked), method, path, route))
            return self.asked[-1]

    def mark(self) -> int:
        return len(self.asked)

    def since(self, mark: int) -> list[Asked]:
        return self.asked[mark:]
