"""A commit: a head and one operation a line, all of them or none.

Not found written down anywhere: how the Hub words a commit to something that is no branch, and
that it looks at the card once more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.servers.hub.access import writable
from tests.servers.hub.card import check
from tests.servers.hub.changes import changed
from tests.servers.hub.commits import Entry
from tests.servers.hub.exchange import Answer, At, Request, as_json
from tests.servers.hub.refusals import Refusal, no_revision

if TYPE_CHECKING:
    from tests.servers.hub.repository import Repository
    from tests.servers.hub.server import Hub

STALE = "A commit has happened since. Please refresh and try again."
FOLDER_LIMIT = 10_000
"""Files of one folder (Hub documentation, "Repository limitations and recommendations")."""


def commit(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.create_commit`. Two at once are taken one after the other.

    With `parentCommit`, whole or shortened, a branch that has gone on since is left alone: 412.
    """
    repository = writable(hub.shelves, request.account, at)
    if request.asks("create_pr"):
        raise Refusal(403, "Discussions are disabled for this repo")
    head, operations = _read(request.body.read())
    branch = at.rev.removeprefix("refs/heads/")
    with repository.lock:
        if branch not in repository.heads:
            raise no_revision(at.rev)
        parent = repository.commit(repository.heads[branch])
        if not parent.oid.startswith(head.get("parentCommit") or ""):
            raise Refusal(412, STALE)
        files = changed(repository, parent, operations)
        _check(repository, files, parent.files, at.kind.removesuffix("s"))
        author = request.account.name if request.account else ""
        title, description = head["summary"], head.get("description", "")
        made = repository.record(branch, files, title, description, author)
    folder = "datasets/" if at.kind == "datasets" else ""
    address = f"{request.base}/{folder}{repository.name}/commit/{made.oid}"
    told = {"success": True, "commitOid": made.oid, "commitUrl": address, "hookOutput": ""}
    return as_json(told)


def _read(body: bytes) -> tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]:
    """The head, and (what to do, with what) for each line after it."""
    try:
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        told = [(line["key"], line["value"]) for line in lines]
    except (ValueError, KeyError, TypeError):
        raise Refusal(400, "Invalid JSON in a line of the commit") from None
    if not told or told[0][0] != "header" or not told[0][1].get("summary"):
        raise Refusal(400, "The first line of a commit has to be its header")
    return told[0][1], told[1:]


def _check(
    repository: Repository, files: Mapping[str, Entry], before: Mapping[str, Entry], kind: str
) -> None:
    """What the Hub looks at before it takes a push."""
    folders: dict[str, int] = {}
    for path in files:
        folder = path.rpartition("/")[0]
        folders[folder] = folders.get(folder, 0) + 1
    crowded = [folder or "/" for folder, count in folders.items() if count > FOLDER_LIMIT]
    if crowded:
        message = f"contains too many files per directory: {', '.join(crowded)}."
        raise Refusal(400, f"Your push was rejected because it {message}")
    card = files.get("README.md")
    if card and card != before.get("README.md"):
        found = check(repository.where("README.md", card).read_text("utf-8", "replace"), kind)[
            "errors"
        ]
        if found:
            messages = "\n".join(f"- {error['message']}" for error in found)
            raise Refusal(400, f"Invalid metadata in README.md.\n{messages}")
