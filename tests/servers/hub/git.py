"""How git names things: the SHA-1 of `KIND LENGTH\\0` and the content, so equal content is equal.

The Hub's `oid` of a file or folder is such a name; of a file in LFS it is that of the pointer,
the small text that stands in the tree for it (git-lfs/docs/spec.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def blob_oid(body: bytes) -> str:
    """What `git hash-object` prints."""
    return _oid("blob", body)


def pointer(sha256: str, size: int) -> bytes:
    """The text that stands in a tree for a file in LFS."""
    lines = ("version https://git-lfs.github.com/spec/v1", f"oid sha256:{sha256}", f"size {size}")
    return "".join(f"{line}\n" for line in lines).encode()


def parents(path: str) -> list[str]:
    """`a/b/c` -> `a/b`, `a`: the folders that hold it, without the root."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]


def tree_oids(blobs: Mapping[str, str]) -> dict[str, str]:
    """{path: oid of the file} -> {folder: oid of its tree}; the root is the folder ``""``."""
    folders = {""} | {folder for path in blobs for folder in parents(path)}
    held: dict[str, list[tuple[str, str, str]]] = {folder: [] for folder in folders}
    for path, oid in blobs.items():
        folder, _, name = path.rpartition("/")
        held[folder].append((name, "100644", oid))
    found: dict[str, str] = {}
    for path in sorted(folders, key=lambda one: len(one.split("/")) if one else 0, reverse=True):
        found[path] = _tree(held[path])
        if path:
            folder, _, name = path.rpartition("/")
            held[folder].append((name, "40000", found[path]))
    return found


def commit_oid(tree: str, parent: str | None, author: str, when: int, message: str) -> str:
    """The name of a commit by `author`, `when` seconds after 1970, UTC."""
    person = f"{author} <{author}@users.noreply.huggingface.co> {when} +0000"
    head = [f"tree {tree}", *([f"parent {parent}"] if parent else [])]
    lines = [*head, f"author {person}", f"committer {person}", "", message]
    return _oid("commit", "\n".join(lines).encode())


def _tree(held: list[tuple[str, str, str]]) -> str:
    # git sorts a folder as if its name ended in a slash.
    ordered = sorted(held, key=lambda one: (one[0] + "/" * (one[1] == "40000")).encode())
    body = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(oid) for name, mode, oid in ordered)
    return _oid("tree", body)


def _oid(kind: str, body: bytes) -> str:
    head = f"{kind} {len(body)}\0".encode()
    return hashlib.sha1(head + body, usedforsecurity=False).hexdigest()
