"""Branches and tags of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.servers.hub.access import seen
from tests.servers.hub.exchange import Answer, At, Request, as_json

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub


def references(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.list_repo_refs`. There are no pull requests here."""
    repository = seen(hub.shelves, request.account, at)
    told: dict[str, Any] = {
        "branches": _told("refs/heads", repository.heads),
        "converts": [],
        "tags": _told("refs/tags", repository.tags),
    }
    if request.asks("include_prs"):
        told["pullRequests"] = []
    return as_json(told)


def _told(folder: str, named: dict[str, str]) -> list[dict[str, str]]:
    return [
        {"name": name, "ref": f"{folder}/{name}", "targetCommit": oid}
        for name, oid in sorted(named.items())
    ]
