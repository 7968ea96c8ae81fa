"""What a server was asked and what it did wrong on purpose, in memory and, where told, in a file.

The file outlives a server that crashes: the next one counts on from it, and the test reads it.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.faults import Fault, Plan


@dataclass(frozen=True)
class Asked:
    """A request that asks for text, counted from 0, and the kind of fault it met, if any."""

    number: int
    path: str
    body: dict[str, Any]
    fault: str | None


def read_log(path: Path) -> list[Asked]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as lines:
        return [Asked(**json.loads(line)) for line in lines]


def injected(asked: list[Asked]) -> Counter[str]:
    """How often each kind of fault struck."""
    return Counter(one.fault for one in asked if one.fault)


@dataclass
class RequestLog:
    plan: Plan | None = None
    path: Path | None = None
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.path is not None:
            self.asked = read_log(self.path)

    def enter(self, path: str, body: dict[str, Any]) -> Fault | None:
        """Write a request down and return what goes wrong with it."""
        number = len(self.asked)
        fault = self.plan(number) if self.plan else None
        self.asked.append(Asked(number, path, body, fault.kind if fault else None))
        if self.path is not None:
            self._append(self.asked[-1])
        return fault

    def _append(self, asked: Asked) -> None:
        assert self.path is not None
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, json.dumps(vars(asked)).encode() + b"\n")
        finally:
            os.close(file)
