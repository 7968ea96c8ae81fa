"""A folder of this machine as a repository that can be read: one commit, always of that name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.servers.hub.commits import Commit, Entry
from tests.servers.hub.git import blob_oid

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Mounted:
    """Reads as `Repository` does. What lies in the folder counts when it is asked for."""

    private = False
    created = 0
    readers: tuple[str, ...] = ()

    def __init__(self, folder: Path, kind: str, name: str, gate: str | None) -> None:
        self.folder, self.kind, self.name, self.gate = folder, kind, name, gate
        self.gated: str | bool = "manual" if gate else False
        self.heads, self.tags = {"main": COMMIT}, dict[str, str]()

    def resolve(self, revision: str) -> str | None:
        return COMMIT if revision in ("main", "refs/heads/main", COMMIT) else None

    def commit(self, oid: str) -> Commit:
        files = {
            path.relative_to(self.folder).as_posix(): _entry(path)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }
        return Commit(oid, None, "initial commit", "", "system", 0, files)

    def history(self, oid: str) -> Iterator[Commit]:
        yield self.commit(oid)

    def where(self, path: str, entry: Entry) -> Path:
        return self.folder / path


def _entry(path: Path) -> Entry:
    body = path.read_bytes()
    return Entry(blob_oid(body), len(body))
