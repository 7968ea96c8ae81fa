"""Before an upload: which file goes which way, which is ignored, which is there already."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tests.servers.hub.access import commit_of, writable
from tests.servers.hub.attributes import is_ignored, upload_mode
from tests.servers.hub.exchange import Answer, At, Request, as_json
from tests.servers.hub.refusals import Refusal

if TYPE_CHECKING:
    from tests.servers.hub.commits import Commit
    from tests.servers.hub.repository import Repository
    from tests.servers.hub.server import Hub

MOST_FILES = 256
"""Files of one request (huggingface_hub, `_fetch_upload_modes`)."""


def preupload(hub: Hub, request: Request, at: At) -> Answer:
    """For each file `uploadMode`, `shouldIgnore`, and the `oid` of what has its name now."""
    repository = writable(hub.shelves, request.account, at)
    commit, told = commit_of(repository, at.rev), request.json()
    if len(told["files"]) > MOST_FILES:
        raise Refusal(413, "too many files")
    attributes = text_of(repository, commit, ".gitattributes")
    ignore = told.get("gitIgnore") or text_of(repository, commit, ".gitignore")
    files: list[dict[str, Any]] = []
    for file in told["files"]:
        path, there = file["path"], commit.files.get(file["path"])
        sample = base64.b64decode(file["sample"])
        found = {
            "path": path,
            "uploadMode": upload_mode(path, file["size"], sample, attributes),
            "shouldIgnore": is_ignored(path, ignore),
        }
        files.append(found | ({"oid": there.etag} if there else {}))
    return as_json({"files": files, "commitOid": commit.oid})


def text_of(repository: Repository, commit: Commit, path: str) -> str:
    """A file as text; nothing where there is none."""
    entry = commit.files.get(path)
    return repository.where(path, entry).read_text("utf-8", "replace") if entry else ""
