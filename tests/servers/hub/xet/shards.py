"""The end of an upload: which files the xorbs make up, and which chunks are there already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.servers.hub.exchange import Answer, At, Request, as_json
from tests.servers.hub.refusals import Refusal
from tests.servers.hub.xet.shard import read_shard, write_shard
from tests.servers.hub.xet.storage import digest_of, storage_of
from tests.servers.hub.xet.whole import keep_whole

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub

LINES = {"Content-Type": "application/x-ndjson"}


def shard(hub: Hub, request: Request, at: At) -> Answer:
    """Register the files of a shard."""
    _register(hub, request, 1)
    return as_json({"result": 1})


def shard_by_lines(hub: Hub, request: Request, at: At) -> Answer:
    """The same, answered as it goes on: a line for each stage, the last says how it ended."""
    files = _register(hub, request, 2)
    told = (
        {"type": "validating", "verified": files, "total": files},
        {"type": "committing", "stage": "syncing"},
        {"type": "result"},
    )
    return Answer(200, LINES, "".join(json.dumps(line) + "\n" for line in told).encode())


def chunk(hub: Hub, request: Request, at: At) -> Answer:
    """The xorb that holds a chunk, in a shard whose hashes only those can read who have the data.

    Not every chunk can be asked for: see `hashes.is_eligible`.
    """
    storage = storage_of(hub)
    storage.tokens.scope(request, writes=False)
    found = storage.store.asked(digest_of(at.oid))
    if found is None:
        raise Refusal(404, "this chunk is not tracked")
    headers = {"Content-Type": "application/octet-stream"}
    return Answer(200, headers, write_shard([found], storage.key))


def telemetry(hub: Hub, request: Request, at: At) -> Answer:
    """What the client tells of its own speed."""
    storage_of(hub).tokens.scope(request, writes=False)
    request.json()
    return as_json({})


def _register(hub: Hub, request: Request, generation: int) -> int:
    storage = storage_of(hub, generation)
    scope = storage.tokens.scope(request, writes=True)
    files = storage.store.register(read_shard(request.body.read()))
    for file in files:
        keep_whole(hub, storage.store, scope, file)
    return len(files)
