"""How often one may ask: requests in a window, for the API and for downloads apart.

Each answer tells it in `RateLimit` and `RateLimit-Policy` (Hub documentation, "Rate limits").
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

RESOLVERS = ("resolve", "raw")
"""Routes that count as downloads."""


@dataclass
class Limits:
    """`api` and `resolvers` requests in `window` seconds, for each user, strangers together."""

    api: int = 1000
    resolvers: int = 5000
    window: float = 300.0
    clock: Callable[[], float] = time.monotonic
    _began: dict[tuple[str, str], float] = field(default_factory=dict)
    _asked: dict[tuple[str, str], int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, route: str, user: str | None) -> tuple[bool, dict[str, str]]:
        """Whether a request is one too many, and the headers of its answer."""
        kind = "resolvers" if route in RESOLVERS else "api"
        quota, key = getattr(self, kind), (kind, user or "")
        with self._lock:
            now = self.clock()
            if now - self._began.get(key, -math.inf) >= self.window:
                self._began[key], self._asked[key] = now, 0
            self._asked[key] += 1
            left = max(0, quota - self._asked[key])
            wait = math.ceil(self._began[key] + self.window - now)
            over = self._asked[key] > quota
        return over, headers(kind, left, wait, quota, self.window)


def headers(kind: str, left: int, wait: int, quota: int, window: float) -> dict[str, str]:
    policy = f'"fixed window";"{kind}";q={quota};w={int(window)}'
    return {"RateLimit": f'"{kind}";r={left};t={wait}', "RateLimit-Policy": policy}
