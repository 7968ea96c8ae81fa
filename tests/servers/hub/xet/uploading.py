"""Xorbs on their way in: straight, or by a grant to a signed address (xet-core's client).

A grant is three requests: the grant for a hash, the bytes to where it says and without the token
of the storage, and that they are there.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from tests.servers.hub.exchange import Answer, At, Request, as_json
from tests.servers.hub.refusals import Refusal
from tests.servers.hub.repository import replace
from tests.servers.hub.xet.storage import digest_of, storage_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.hub.server import Hub
    from tests.servers.hub.xet.storage import Storage


def xorb(hub: Hub, request: Request, at: At) -> Answer:
    """A xorb in one request; whether it is new."""
    storage = storage_of(hub)
    storage.tokens.scope(request, writes=True)
    digest = digest_of(at.oid)
    return as_json({"was_inserted": storage.store.put(digest, request.body.read())})


def grant(hub: Hub, request: Request, at: At) -> Answer:
    """Where to send a xorb: 201. What is there already is not sent: 200."""
    storage = storage_of(hub, 2)
    storage.tokens.scope(request, writes=True)
    digest, told = digest_of(at.oid), request.json()
    if told["checksum"]["algo"] != "crc64nvme":
        raise Refusal(400, "only crc64nvme is known")
    if storage.store.holds(digest):
        return as_json({})
    name = secrets.token_hex(8)
    storage.grants[name] = digest
    address = hub.signed(hub.bucket.url, f"/xet/{at.oid}/{name}", length=str(told["length"]))
    headers = {"If-None-Match": "*"}
    return as_json({"id": name, "method": "PUT", "url": address, "headers": headers}, 201)


def put(hub: Hub, request: Request, at: At) -> Answer:
    """The bytes for a grant. They come once: 412 the next time."""
    if request.headers.get("Authorization"):
        raise Refusal(400, "Only one auth mechanism allowed")
    hub.check_signature(request)
    storage = storage_of(hub, 2)
    waiting, body = _waiting(storage, at), request.body.read()
    if len(body) != int(request.query["length"][-1]):
        raise Refusal(400, "the length is another than was granted")
    if waiting.exists():
        raise Refusal(412, "PreconditionFailed")
    replace(waiting, body)
    return Answer(200)


def stored(hub: Hub, request: Request, at: At) -> Answer:
    """The end of a grant: only now the xorb is there."""
    storage = storage_of(hub, 2)
    storage.tokens.scope(request, writes=True)
    digest, waiting = digest_of(at.oid), _waiting(storage, at)
    if storage.store.holds(digest):  # the answer was lost, and it is asked again
        return as_json({"was_inserted": False})
    if storage.grants.get(at.number) != digest or not waiting.is_file():
        raise Refusal(404, "nothing was uploaded for this grant")
    made = storage.store.put(digest, waiting.read_bytes())
    waiting.unlink()
    return as_json({"was_inserted": made})


def _waiting(storage: Storage, at: At) -> Path:
    return storage.store.folder / "waiting" / f"{at.oid}.{at.number}"
