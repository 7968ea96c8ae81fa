"""The operations of a commit, one function each, on the files of its parent."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tests.servers.hub.access import commit_of
from tests.servers.hub.attributes import LARGEST_REGULAR
from tests.servers.hub.git import parents
from tests.servers.hub.refusals import Refusal, no_entry

if TYPE_CHECKING:
    from tests.servers.hub.commits import Commit, Entry
    from tests.servers.hub.repository import Repository

REJECTED = "Your push was rejected because"
NO_LFS = (
    f"{REJECTED} an LFS pointer pointed to a file that does not exist. For instance, this can "
    "happen if you used git push --no-verify to push your changes. Offending file:"
)
TOO_LARGE = f"{REJECTED} it contains files larger than 10 MiB. Please use Git LFS. Offending file:"
BINARY = f"{REJECTED} it contains binary files. Please use Git LFS. Offending file:"
LOOKED_AT = 8000
"""Bytes of a file in which git looks for a zero to tell that it is binary."""

Files = dict[str, "Entry"]
Value = dict[str, Any]


def changed(
    repository: Repository, parent: Commit, operations: Sequence[tuple[str, Value]]
) -> Files:
    """All files after the operations, in their order. Raises the Hub's refusals."""
    files = dict(parent.files)
    missing = [
        value["path"]
        for key, value in operations
        if key == "lfsFile" and not repository.large(value["oid"]).is_file()
    ]
    if missing:
        raise Refusal(400, f"{NO_LFS} {' '.join(f'- {path}' for path in missing)}")
    for key, value in operations:
        if key not in OPERATIONS:
            raise Refusal(400, f"Unknown operation {key}")
        _check_path(value["path"])
        OPERATIONS[key](repository, files, value)
    folders = {folder for path in files for folder in parents(path)}
    if clash := folders & set(files):
        raise Refusal(400, f"Invalid file change: {min(clash)} is a file and a folder")
    return files


def _add(repository: Repository, files: Files, value: Value) -> None:
    path, content = value["path"], value["content"]
    try:
        base64_given = value.get("encoding") == "base64"
        body = base64.b64decode(content, validate=True) if base64_given else content.encode()
    except binascii.Error:
        raise Refusal(400, f"Invalid base64 in {path}") from None
    if len(body) > LARGEST_REGULAR:
        raise Refusal(400, f"{TOO_LARGE} - {path}")
    if b"\0" in body[:LOOKED_AT]:
        raise Refusal(400, f"{BINARY} - {path}")
    files[path] = repository.keep(body)


def _add_large(repository: Repository, files: Files, value: Value) -> None:
    """The client tells no size for a copy."""
    entry = repository.keep_pointer(value["oid"])
    if value.get("size", entry.size) != entry.size:
        raise Refusal(400, f"Invalid file change: {value['path']} has {entry.size} bytes")
    files[value["path"]] = entry


def _delete(repository: Repository, files: Files, value: Value) -> None:
    if files.pop(value["path"], None) is None:
        raise no_entry(message="A file with this name doesn't exist")


def _delete_folder(repository: Repository, files: Files, value: Value) -> None:
    prefix = value["path"].rstrip("/") + "/"
    found = [path for path in files if path.startswith(prefix)]
    if not found:
        raise no_entry(message="A folder with this name doesn't exist")
    for path in found:
        del files[path]


def _copy(repository: Repository, files: Files, value: Value) -> None:
    """huggingface_hub 2.4 copies by `lfsFile` and `file`; other clients leave it to the Hub."""
    revision = value.get("srcRevision")
    held = commit_of(repository, revision).files if revision else files
    if value["srcPath"] not in held:
        raise no_entry(message="A file with this name doesn't exist")
    files[value["path"]] = held[value["srcPath"]]


OPERATIONS: dict[str, Callable[[Repository, Files, Value], None]] = {
    "file": _add,
    "lfsFile": _add_large,
    "deletedFile": _delete,
    "deletedFolder": _delete_folder,
    "copyFile": _copy,
}


def _check_path(path: str) -> None:
    parts = path.rstrip("/").split("/")
    if path.startswith("/") or {"", ".", "..", ".git"} & set(parts):
        raise Refusal(400, f"Invalid path: {path}")
