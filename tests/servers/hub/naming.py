"""Branches and tags: making them, taking them away. None is ever moved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.servers.hub.access import commit_of, writable
from tests.servers.hub.exchange import Answer, At, Request, as_json
from tests.servers.hub.refusals import Refusal, no_revision

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub

NAME = re.compile(r"(?!.*(\.\.|//|@\{))[\w][\w./+-]*(?<![./])")
"""git-check-ref-format, roughly."""


def create_branch(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.create_branch`: `rev` is its name, `startingPoint` the revision that it begins at."""
    repository = writable(hub.shelves, request.account, at)
    start = request.json().get("startingPoint", "main")
    with repository.lock:
        target = commit_of(repository, start).oid
        _check_name(at.rev)
        if at.rev in repository.heads:
            raise Refusal(409, f"Reference already exists: refs/heads/{at.rev}")
        repository.heads[at.rev] = target
        repository.save()
    return as_json({"success": True})


def delete_branch(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.delete_branch`."""
    repository = writable(hub.shelves, request.account, at)
    with repository.lock:
        if at.rev == "main":
            raise Refusal(403, "Cannot delete the default branch")
        if repository.heads.pop(at.rev, None) is None:
            raise no_revision(at.rev)
        repository.save()
    return as_json({"success": True})


def create_tag(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.create_tag`: `rev` is what it is put on."""
    repository = writable(hub.shelves, request.account, at)
    tag = request.json()["tag"]
    with repository.lock:
        target = commit_of(repository, at.rev).oid
        _check_name(tag)
        if tag in repository.tags:
            raise Refusal(409, "Tag reference exists already")
        repository.tags[tag] = target
        repository.save()
    return as_json({"success": True})


def delete_tag(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.delete_tag`."""
    repository = writable(hub.shelves, request.account, at)
    with repository.lock:
        if repository.tags.pop(at.rev, None) is None:
            raise no_revision(at.rev)
        repository.save()
    return as_json({"success": True})


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise Refusal(400, f"Invalid reference name: {name}")
