"""What the Hub gives for its own token: one for the storage, for a repository and for an hour.

Unlike what the Hub does, tokens are not signed by it but remembered: they end with the server.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers.hub.access import commit_of, opened, seen, writable
from tests.servers.hub.exchange import Answer, At, Request, as_json
from tests.servers.hub.refusals import Refusal

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub

LASTS = 3600
"""Seconds."""


@dataclass(frozen=True)
class Scope:
    """What a token of the storage allows: reading, and with `writes` uploading."""

    kind: str
    name: str
    writes: bool
    user: str | None
    until: float


class Tokens:
    """Tokens that were given; `lasts` seconds each."""

    def __init__(self) -> None:
        self.lasts: float = LASTS
        self._given: dict[str, Scope] = {}

    def give(self, kind: str, name: str, writes: bool, user: str | None) -> tuple[str, int]:
        """A new token, and when it ends in seconds since 1970."""
        token, until = f"xet_{secrets.token_urlsafe(24)}", time.time() + self.lasts
        self._given[token] = Scope(kind, name, writes, user, until)
        return token, int(until)

    def scope(self, request: Request, *, writes: bool) -> Scope:
        """Whose a request is. 401 and 403 as the specification has them (spec/api.md)."""
        token = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
        found = self._given.get(token)
        if found is None or found.until < time.time():
            raise Refusal(401, "the token is unknown or has expired")
        if writes and not found.writes:
            raise Refusal(403, "this token only reads")
        return found

    def expire(self) -> None:
        """End all tokens, as time does."""
        self._given.clear()


def write_token(hub: Hub, request: Request, at: At) -> Answer:
    """For uploads; `rev` has to be a branch, or `None` with `?create_pr=1`."""
    storage = _storage(hub)
    repository = writable(hub.shelves, request.account, at)
    commit_of(repository, at.rev)
    user = request.account.name if request.account else None
    return _answer(hub, storage.give(at.kind, at.name, True, user))


def read_token(hub: Hub, request: Request, at: At) -> Answer:
    storage = _storage(hub)
    repository = seen(hub.shelves, request.account, at)
    opened(repository, request.account)
    commit_of(repository, at.rev)
    user = request.account.name if request.account else None
    return _answer(hub, storage.give(at.kind, at.name, False, user))


def _storage(hub: Hub) -> Tokens:
    if hub.xet is None:
        raise Refusal(404, "Sorry, we can't find the page you are looking for.")
    return hub.xet.tokens


def _answer(hub: Hub, given: tuple[str, int]) -> Answer:
    """huggingface_hub reads the head, hf_xet the body."""
    token, until = given
    told = {"accessToken": token, "exp": until, "casUrl": hub.cas.url}
    headers = {
        "X-Xet-Access-Token": token,
        "X-Xet-Token-Expiration": str(until),
        "X-Xet-Cas-Url": hub.cas.url,
    }
    return as_json(told, headers=headers)
