"""The storage of one Hub, with what its routes share."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.hub.refusals import Refusal
from tests.servers.hub.xet.hashes import binary
from tests.servers.hub.xet.store import Store
from tests.servers.hub.xet.tokens import Tokens

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub

GENERATIONS = (1, 2)


class Storage:
    """`generation` tells which routes there are; `grants` are the uploads that were allowed."""

    def __init__(self, folder: Path, generation: int) -> None:
        if generation not in GENERATIONS:
            raise ValueError(f"there is no generation {generation} of Xet's routes, but 1 and 2")
        self.store, self.tokens, self.generation = Store(folder), Tokens(), generation
        self.key = secrets.token_bytes(32)
        self.grants: dict[str, bytes] = {}


def storage_of(hub: Hub, generation: int = 1) -> Storage:
    """The storage; refuses a route that its generation does not have."""
    if hub.xet is None or hub.xet.generation < generation:
        raise Refusal(404, "there is no such route")
    return hub.xet


def digest_of(name: str) -> bytes:
    """The hash that stands in an address."""
    try:
        return binary(name)
    except ValueError as error:
        raise Refusal(400, str(error)) from None
