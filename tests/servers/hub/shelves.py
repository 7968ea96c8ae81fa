"""All repositories of a Hub."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from tests.servers.hub.mounted import Mounted
from tests.servers.hub.repository import Repository

Readable = Repository | Mounted
"""What can be read; a `Repository` can be written to, too."""

KINDS = ("models", "datasets")


class Shelves:
    """Repositories under `state`, with those that earlier servers left there, and mounted folders.

    `mounts` holds folders by (kind, name). Where `gate` is a token, their files go to its owner
    alone.
    """

    def __init__(self, state: Path | None, mounts: Mapping[tuple[str, str], Path]) -> None:
        self.state, self.mounts = state, dict(mounts)
        self.gate: str | None = None
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], Repository] = {}
        for path in sorted(state.glob("*/*/*/repo.json")) if state else ():
            kind, organization, name = path.parts[-4:-1]
            repository = Repository(path.parent, kind, f"{organization}/{name}")
            self._kept[kind, repository.name] = repository

    def find(self, kind: str, name: str) -> Readable | None:
        folder = self.mounts.get((kind, name))
        if folder is not None:
            return Mounted(folder, kind, name, self.gate)
        return self._kept.get((kind, name))

    def create(self, kind: str, name: str, private: bool) -> Repository | None:
        """A new repository; None where there is one of that name."""
        if self.state is None:
            raise TypeError("this Hub was started without a state folder: it can only be read")
        with self._lock:
            if self.find(kind, name) is not None:
                return None
            made = Repository.create(self.state / kind / name, kind, name, private)
            self._kept[kind, name] = made
            return made
