"""Who sends the token, and what it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers.hub.access import opened, seen, writable
from tests.servers.hub.exchange import Answer, At, Request, as_json
from tests.servers.hub.refusals import Refusal

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub


def whoami(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.whoami`."""
    if request.account is None:
        raise Refusal(401, "Invalid username or password.")
    return as_json(request.account.told())


def auth_check(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.auth_check`: whether files may be read."""
    opened(seen(hub.shelves, request.account, at), request.account)
    return as_json({})


def auth_check_write(hub: Hub, request: Request, at: At) -> Answer:
    """`HfApi.auth_check(write=True)`."""
    writable(hub.shelves, request.account, at)
    return as_json({})
