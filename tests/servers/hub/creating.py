"""New repositories, their settings, and what may stand in a card."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.servers.hub.access import writable
from tests.servers.hub.card import check
from tests.servers.hub.exchange import Answer, At, Request, as_json
from tests.servers.hub.refusals import Refusal

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub

NAME = re.compile(r"(?!.*(--|\.\.))\w[\w.-]{0,95}(?<!\.git)")
"""huggingface_hub, `validate_repo_id`."""


def create(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.create_repo`. The client reads `url` even of a 409 that it was told to pass over."""
    told = request.json()
    kind, short = told.get("type") or "model", told["name"]
    if request.account is None:
        raise Refusal(401, "Invalid username or password.")
    namespace = told.get("organization") or request.account.name
    name = f"{namespace}/{short}"
    if kind not in ("model", "dataset") or not NAME.fullmatch(short):
        raise Refusal(400, f"Invalid repo name: {name}")
    if not request.account.may_create(name):
        what = f'create a {kind} under the namespace "{namespace}"'
        raise Refusal(403, f"You don't have the rights to {what}")
    address = f"{request.base}/{'datasets/' if kind == 'dataset' else ''}{name}"
    made = hub.shelves.create(f"{kind}s", name, told.get("visibility") == "private")
    if made is None:
        message = f"You already created this {kind} repo"
        raise Refusal(409, message, more={"url": address, "name": name})
    return as_json({"url": address, "name": name})


def settings(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.update_repo_settings`: `gated` and `visibility`."""
    repository = writable(hub.shelves, request.account, at)
    told = request.json()
    with repository.lock:
        repository.gated = told.get("gated", repository.gated)
        if "visibility" in told:
            repository.private = told["visibility"] == "private"
        repository.save()
    return as_json({"gated": repository.gated, "private": repository.private})


def validate_yaml(hub: Hub, request: Request, at: At) -> Answer:
    """The client asks this before it uploads a README.md."""
    told = request.json()
    found = check(told.get("content", ""), told.get("repoType", "model"))
    return as_json(found, 400 if found["errors"] else 200)
