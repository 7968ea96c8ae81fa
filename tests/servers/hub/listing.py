"""Files, folders and commits of a revision, page by page."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from tests.servers.hub.access import commit_of, seen
from tests.servers.hub.commits import Commit, written
from tests.servers.hub.exchange import Answer, At, Request, as_json
from tests.servers.hub.refusals import Refusal, no_entry
from tests.servers.hub.shelves import Readable

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub

EXPANDED = 50
"""Entries of a page that tells the last commit of each (huggingface_hub, `list_repo_tree`)."""

MOST_PATHS = 1000
"""Paths that may be asked for at once (huggingface_hub, `_commit_api`)."""


def tree(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.list_repo_tree`: a folder, with all below it where `?recursive=`."""
    repository = seen(hub.shelves, request.account, at)
    commit = commit_of(repository, at.rev)
    path, deep = at.path.strip("/"), request.asks("recursive")
    if path and path not in commit.files and path not in commit.folders:
        raise no_entry(commit.oid, f'{path} does not exist on "{at.rev}"')
    prefix = f"{path}/" if path else ""
    found = [
        one
        for one in sorted({*commit.files, *commit.folders} - {""})
        if one.startswith(prefix) and (deep or "/" not in one[len(prefix) :])
    ]
    if path in commit.files:
        found = [path]
    expand = request.asks("expand")
    size = min(EXPANDED, hub.page_size) if expand else hub.page_size
    return _page(request, size, found, lambda one: _entry(hub, repository, commit, one, expand))


def paths_info(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.get_paths_info`. What is not there is left out."""
    repository = seen(hub.shelves, request.account, at)
    commit = commit_of(repository, at.rev)
    told = parse_qs(request.body.read().decode())
    paths = [path.rstrip("/") for path in told.get("paths", [])]
    if len(paths) > MOST_PATHS:
        raise Refusal(413, "too many parameters")
    expand = told.get("expand", [""])[-1].lower() == "true"
    known = [path for path in paths if path in commit.files or path in commit.folders]
    return as_json([_entry(hub, repository, commit, path, expand) for path in known])


def commits(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.list_repo_commits`, the last first."""
    repository = seen(hub.shelves, request.account, at)
    found = list(repository.history(commit_of(repository, at.rev).oid))
    return _page(request, min(50, hub.page_size), found, _commit)


def _entry(
    hub: Hub, repository: Readable, commit: Commit, path: str, expand: bool
) -> dict[str, Any]:
    last = {"lastCommit": _last(repository, commit, path)} if expand else {}
    if path not in commit.files:
        return {"type": "directory", "oid": commit.folders[path], "size": 0, "path": path, **last}
    file = commit.files[path]
    large = {"oid": file.sha256, "size": file.size, "pointerSize": file.pointer_size}
    lfs: dict[str, Any] = {"lfs": large} if file.sha256 else {}
    chunked = hub.xet.store.named(file.sha256) if hub.xet else None
    lfs |= {"xetHash": chunked} if chunked else {}
    return {"type": "file", "oid": file.oid, "size": file.size, "path": path, **lfs, **last}


def _last(repository: Readable, commit: Commit, path: str) -> dict[str, Any]:
    """The commit that brought a file or a folder as it is."""
    named = _named(commit, path)
    for older in repository.history(commit.oid):
        if _named(older, path) != named:
            break
        commit = older
    return {"id": commit.oid, "title": commit.title, "date": written(commit.when)}


def _named(commit: Commit, path: str) -> str | None:
    file = commit.files.get(path)
    return file.oid if file else commit.folders.get(path)


def _commit(commit: Commit) -> dict[str, Any]:
    return {
        "id": commit.oid,
        "title": commit.title,
        "message": commit.message,
        "date": written(commit.when),
        "authors": [{"user": commit.author, "avatar": ""}],
    }


def _page(request: Request, size: int, found: list[Any], told: Any) -> Answer:
    """One page; the `Link` header has the address of the next."""
    given = request.query.get("cursor", [""])[-1]
    start = int(base64.b64decode(given)) if given else 0
    headers = {}
    if start + size < len(found):
        cursor = base64.b64encode(str(start + size).encode()).decode()
        query = urlencode({**request.query, "cursor": cursor}, doseq=True)
        headers["Link"] = f'<{request.base}{request.path}?{query}>; rel="next"'
    return as_json([told(one) for one in found[start : start + size]], headers=headers)
