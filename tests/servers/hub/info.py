"""What a repository is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.servers.hub.access import commit_of, seen
from tests.servers.hub.card import metadata
from tests.servers.hub.commits import Commit, Entry, written
from tests.servers.hub.exchange import Answer, At, Request, as_json
from tests.servers.hub.shelves import Readable

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub


def info(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.dataset_info` and its like; `?blobs=` adds sizes, `?expand=` chooses."""
    repository = seen(hub.shelves, request.account, at)
    commit = commit_of(repository, at.rev)
    told = _told(repository, commit, request.asks("blobs"))
    chosen = request.query.get("expand", []) + request.query.get("expand[]", [])
    if chosen:
        told = {key: value for key, value in told.items() if key in ("id", *chosen)}
    return as_json(told)


def _told(repository: Readable, commit: Commit, blobs: bool) -> dict[str, Any]:
    readme = commit.files.get("README.md")
    text = repository.where("README.md", readme).read_text("utf-8", "replace") if readme else ""
    card = metadata(text)
    license_tag = [f"license:{card['license']}"] if "license" in card else []
    return {
        "id": repository.name,
        "author": repository.name.partition("/")[0],
        "sha": commit.oid,
        "lastModified": written(commit.when),
        "createdAt": written(repository.created),
        "private": repository.private,
        "gated": repository.gated,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [*license_tag, *(card.get("tags") or []), "region:us"],
        "cardData": card,
        "usedStorage": sum(entry.size for entry in commit.files.values()),
        "siblings": [_sibling(path, one, blobs) for path, one in sorted(commit.files.items())],
    }


def _sibling(path: str, entry: Entry, blobs: bool) -> dict[str, Any]:
    if not blobs:
        return {"rfilename": path}
    large = {"sha256": entry.sha256, "size": entry.size, "pointerSize": entry.pointer_size}
    lfs = {"lfs": large} if entry.sha256 else {}
    return {"rfilename": path, "blobId": entry.oid, "size": entry.size, **lfs}
