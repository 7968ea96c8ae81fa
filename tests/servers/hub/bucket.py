"""Where large files lie: another host than the Hub's, opened by signed addresses and by no token.

On the real Hub that is S3 with a CDN. A token that comes along is refused as S3 does it, so that a
client that would carry it to a strange host is found out.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any

from tests.servers.hub.exchange import Answer, At, Request
from tests.servers.hub.ranges import ranged
from tests.servers.hub.refusals import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.hub.server import Hub


def put(hub: Hub, request: Request, at: At) -> Answer:
    """A whole file. It stands under its name once all of it came and its SHA-256 is right."""
    repository = _opened(hub, request, at)
    beside = repository.large(f".{at.oid}.{uuid.uuid4().hex}")
    digest = _save(request, beside, hashlib.sha256())
    announced = int(request.query["size"][-1])
    if digest.hexdigest() != at.oid or beside.stat().st_size != announced:
        beside.unlink()
        raise Refusal(400, "XAmzContentSHA256Mismatch")
    beside.replace(repository.large(at.oid))
    return Answer(200, {"ETag": f'"{at.oid}"'})


def put_part(hub: Hub, request: Request, at: At) -> Answer:
    """A part of a file; its ETag is asked for when all are there."""
    repository = _opened(hub, request, at)
    path = repository.part(at.oid, int(at.number))
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    digest = _save(request, beside, hashlib.md5(usedforsecurity=False))
    beside.replace(path)
    return Answer(200, {"ETag": f'"{digest.hexdigest()}"'})


def get(hub: Hub, request: Request, at: At) -> Answer:
    """The file, or a range of it."""
    repository = _opened(hub, request, at)
    return ranged(request, repository.large(at.oid), {"ETag": f'"{at.oid}"'})


def _opened(hub: Hub, request: Request, at: At) -> Any:
    if request.headers.get("Authorization"):
        raise Refusal(400, "Only one auth mechanism allowed")
    hub.check_signature(request)
    return hub.shelves.find(at.kind, at.name)


def _save(request: Request, path: Path, digest: Any) -> Any:
    """Write the body down as it comes; what was cut off is taken away again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("wb") as file:
            for piece in request.body.pieces():
                digest.update(piece)
                file.write(piece)
    except ConnectionError:
        path.unlink()
        raise
    return digest
