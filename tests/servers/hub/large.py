"""Large files on the Hub's side: where to send them, and whether they arrived.

The LFS batch API (git-lfs/docs/api/batch.md) with the transfers `basic` and, where the answer tells
a `chunk_size`, the Hub's own `multipart`.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from typing import TYPE_CHECKING, Any

from tests.servers.hub.access import writable
from tests.servers.hub.exchange import Answer, At, Request, as_json
from tests.servers.hub.refusals import Refusal
from tests.servers.hub.repository import replace

if TYPE_CHECKING:
    from tests.servers.hub.repository import Repository
    from tests.servers.hub.server import Hub

LFS = {"Content-Type": "application/vnd.git-lfs+json"}


def batch(hub: Hub, request: Request, at: At) -> Answer:
    """What is there already has no actions; for the rest it is said where to send it."""
    repository = writable(hub.shelves, request.account, at)
    told = request.json()
    if told.get("operation") != "upload" or told.get("hash_algo", "sha256") != "sha256":
        raise Refusal(422, "only uploads of files named by their SHA-256 are taken here")
    parts = "multipart" in told.get("transfers", ["basic"])
    objects = [_object(hub, request, repository, one, parts) for one in told["objects"]]
    return as_json({"transfer": "basic", "objects": objects}, headers=LFS)


def verify(hub: Hub, request: Request, at: At) -> Answer:
    """Asked after an upload: whether the file is there with that size."""
    repository = writable(hub.shelves, request.account, at)
    told = request.json()
    path = repository.large(told["oid"])
    if not path.is_file():
        raise Refusal(404, "Object does not exist")
    if path.stat().st_size != told["size"]:
        raise Refusal(422, f"size is {path.stat().st_size}, not {told['size']}")
    return as_json({}, headers=LFS)


def complete(hub: Hub, request: Request, at: At) -> Answer:
    """The end of an upload in parts. No token is sent with it: the address is signed."""
    hub.check_signature(request)
    repository: Any = hub.shelves.find(at.kind, at.name)
    parts = sorted(request.json()["parts"], key=lambda one: one["partNumber"])
    content = b""
    for part in parts:
        path = repository.part(at.oid, part["partNumber"])
        body = path.read_bytes() if path.is_file() else b""
        if part["etag"].strip('"') != hashlib.md5(body, usedforsecurity=False).hexdigest():
            raise Refusal(400, f"InvalidPart: {part['partNumber']}")
        content += body
    size = int(request.query["size"][-1])
    if (hashlib.sha256(content).hexdigest(), len(content)) != (at.oid, size):
        raise Refusal(400, "the parts do not make up the file that was announced")
    replace(repository.large(at.oid), content)
    shutil.rmtree(repository.part(at.oid, 1).parent)
    return as_json({}, headers=LFS)


def _object(
    hub: Hub, request: Request, repository: Repository, one: dict[str, Any], parts: bool
) -> dict[str, Any]:
    oid, size = one["oid"], one["size"]
    told = {"oid": oid, "size": size, "authenticated": True}
    if repository.large(oid).is_file():
        return told
    path = f"/{repository.kind}/{repository.name}/{oid}"
    if parts and hub.chunk_size and size > hub.chunk_size:
        count = math.ceil(size / hub.chunk_size)
        addresses = {
            f"{number:05}": hub.signed(hub.bucket.url, f"{path}/{number}")
            for number in range(1, count + 1)
        }
        href = hub.signed(request.base, f"/api/complete_multipart{path}", size=str(size))
        upload = {"href": href, "header": {"chunk_size": str(hub.chunk_size), **addresses}}
    else:
        upload = {"href": hub.signed(hub.bucket.url, path, size=str(size))}
    folder = "datasets/" if repository.kind == "datasets" else ""
    check = f"{request.base}/{folder}{repository.name}.git/info/lfs/verify"
    return {**told, "actions": {"upload": upload, "verify": {"href": check}}}
