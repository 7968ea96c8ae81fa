"""A repository in a folder of its own: what a server that starts again finds as it was.

    repo.json            private, gated, who may read, branches, tags
    commits/OID.json     a commit with all its files
    blobs/OID            a file as git holds it; for one in LFS the pointer
    large/SHA256         a file in LFS; uploads/ holds what is not all there yet

A commit counts once `repo.json` names it: everything else is written before, so that a server
that is killed leaves the old state or the new one.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.servers.hub.attributes import ATTRIBUTES
from tests.servers.hub.commits import Commit, Entry
from tests.servers.hub.git import blob_oid, commit_oid, pointer, tree_oids

SHORTHAND = re.compile(r"[0-9a-f]{7,40}")


class Repository:
    """`lock` is to be held from reading a branch until its next commit is recorded."""

    def __init__(self, folder: Path, kind: str, name: str) -> None:
        self.folder, self.kind, self.name = folder, kind, name
        self.lock = threading.RLock()
        self._commits: dict[str, Commit] = {}
        told = json.loads((folder / "repo.json").read_text(encoding="utf-8"))
        self.private: bool = told["private"]
        self.gated: str | bool = told["gated"]
        self.readers: list[str] = told["readers"]
        self.heads: dict[str, str] = told["heads"]
        self.tags: dict[str, str] = told["tags"]
        self.created: int = told["created"]

    @classmethod
    def create(cls, folder: Path, kind: str, name: str, private: bool) -> Repository:
        """A new one, with the first commit that the Hub gives to each."""
        folder.mkdir(parents=True, exist_ok=True)
        told = {"private": private, "gated": False, "readers": [], "heads": {}, "tags": {}}
        text = json.dumps({**told, "created": int(time.time())})
        replace(folder / "repo.json", text.encode())
        repository = cls(folder, kind, name)
        files = {".gitattributes": repository.keep(ATTRIBUTES.encode())}
        repository.record("main", files, "initial commit", "", "system")
        return repository

    def save(self) -> None:
        """Write down what may change: rights, branches, tags."""
        names = ("private", "gated", "readers", "heads", "tags", "created")
        told = {name: getattr(self, name) for name in names}
        replace(self.folder / "repo.json", json.dumps(told).encode())

    def resolve(self, revision: str) -> str | None:
        """The commit of a branch, a tag, a commit's name or its first letters, at least 7."""
        name = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
        found = self.heads.get(name) or self.tags.get(name)
        if found or not SHORTHAND.fullmatch(revision):
            return found
        beginning = [path.stem for path in (self.folder / "commits").glob(f"{revision}*.json")]
        return beginning[0] if len(beginning) == 1 else None

    def commit(self, oid: str) -> Commit:
        """A commit by its whole name."""
        if oid not in self._commits:
            text = (self.folder / "commits" / f"{oid}.json").read_text(encoding="utf-8")
            self._commits[oid] = Commit.read(json.loads(text))
        return self._commits[oid]

    def history(self, oid: str) -> Iterator[Commit]:
        """The commit, its parent, and on to the first."""
        last: str | None = oid
        while last is not None:
            commit = self.commit(last)
            yield commit
            last = commit.parent

    def where(self, path: str, entry: Entry) -> Path:
        """The file that holds the content of an entry."""
        return self.large(entry.sha256) if entry.sha256 else self.folder / "blobs" / entry.oid

    def large(self, sha256: str) -> Path:
        return self.folder / "large" / sha256

    def part(self, sha256: str, number: int) -> Path:
        """Where a part of an upload in parts waits for the others."""
        return self.folder / "uploads" / sha256 / str(number)

    def keep(self, body: bytes) -> Entry:
        """Hold a file in git itself."""
        oid = blob_oid(body)
        path = self.folder / "blobs" / oid
        if not path.exists():
            replace(path, body)
        return Entry(oid, len(body))

    def keep_pointer(self, sha256: str) -> Entry:
        """Hold a pointer to a file that lies in LFS already."""
        size = self.large(sha256).stat().st_size
        return Entry(self.keep(pointer(sha256, size)).oid, size, sha256)

    def record(
        self, branch: str, files: Mapping[str, Entry], title: str, message: str, author: str
    ) -> Commit:
        """Put a commit with these files on a branch. Hold the lock."""
        parent, when = self.heads.get(branch), int(time.time())
        tree = tree_oids({path: entry.oid for path, entry in files.items()})[""]
        text = f"{title}\n\n{message}".strip() + "\n"
        oid = commit_oid(tree, parent, author, when, text)
        commit = Commit(oid, parent, title, message, author, when, dict(files))
        replace(self.folder / "commits" / f"{oid}.json", json.dumps(commit.told()).encode())
        self.heads[branch] = oid
        self.save()
        return commit


def replace(path: Path, body: bytes) -> None:
    """Write a file so that another reader sees the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    beside.write_bytes(body)
    os.replace(beside, path)  # noqa: PTH105
