"""A commit with all its files, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from tests.servers.hub.git import pointer, tree_oids


@dataclass(frozen=True)
class Entry:
    """A file: its git name, its size in bytes and, where it lies in LFS, its SHA-256."""

    oid: str
    size: int
    sha256: str | None = None

    @property
    def etag(self) -> str:
        """What `resolve` tells as its ETag, and `preupload` as what is there already."""
        return self.sha256 or self.oid

    @property
    def pointer_size(self) -> int:
        return len(pointer(self.sha256 or "", self.size))


@dataclass(frozen=True)
class Commit:
    """A commit. `when` is in seconds since 1970."""

    oid: str
    parent: str | None
    title: str
    message: str
    author: str
    when: int
    files: Mapping[str, Entry]

    @cached_property
    def folders(self) -> dict[str, str]:
        """{folder: git name of its tree}, with the root as ``""``."""
        return tree_oids({path: entry.oid for path, entry in self.files.items()})

    def told(self) -> dict[str, Any]:
        """What `read` takes."""
        files = {path: [one.oid, one.size, one.sha256] for path, one in self.files.items()}
        return {**{name: getattr(self, name) for name in PLAIN}, "files": files}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Commit:
        files = {path: Entry(*entry) for path, entry in told["files"].items()}
        return cls(**{**told, "files": files})


PLAIN = ("oid", "parent", "title", "message", "author", "when")


def written(when: int) -> str:
    """A moment as the Hub writes it: `2026-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
