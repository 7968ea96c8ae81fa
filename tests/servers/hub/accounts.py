"""Tokens, whose they are, and what they allow (Hub documentation, "User access tokens").

A token has a role: `read`, `write`, or `fineGrained` with permissions for namespaces and
repositories by name. Whatever its role, it allows no more than its owner may.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.servers.hub.refusals import Refusal

WRITERS = ("admin", "write", "contributor")
"""Roles in an organisation that may create repositories; a contributor writes to no other's."""


@dataclass(frozen=True)
class Account:
    """One token of a user.

    `orgs` gives the organisations with the role there: admin, write, contributor, read. `scopes`
    is for fine-grained tokens: a user, an organisation or a repository -> what it allows there,
    of `repo.content.read`, `repo.content.write` and `repo.write`.
    """

    token: str = field(repr=False)
    name: str
    role: str = "write"
    orgs: Mapping[str, str] = field(default_factory=dict)
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def may_see(self, repository: str) -> bool:
        """Whether it opens a private repository."""
        namespace = repository.partition("/")[0]
        belongs = namespace == self.name or namespace in self.orgs
        return belongs and (self.role != "fineGrained" or bool(self._granted(repository)))

    def may_write(self, repository: str) -> bool:
        namespace = repository.partition("/")[0]
        owns = namespace == self.name or self.orgs.get(namespace) in ("admin", "write")
        return owns and self._token_writes(repository)

    def may_create(self, repository: str) -> bool:
        namespace = repository.partition("/")[0]
        belongs = namespace == self.name or self.orgs.get(namespace) in WRITERS
        if self.role == "fineGrained":
            return belongs and "repo.write" in self.scopes.get(namespace, ())
        return belongs and self.role == "write"

    def told(self) -> dict[str, Any]:
        """The answer of `whoami-v2`."""
        access: dict[str, Any] = {"displayName": f"token of {self.name}", "role": self.role}
        if self.role == "fineGrained":
            scoped = [
                {"entity": {"type": self._type(name), "name": name}, "permissions": list(allowed)}
                for name, allowed in self.scopes.items()
            ]
            access["fineGrained"] = {"canReadGatedRepos": True, "global": [], "scoped": scoped}
        return {
            "type": "user",
            "id": _identifier(self.name),
            "name": self.name,
            "fullname": self.name,
            "isPro": False,
            "orgs": [
                {"type": "org", "id": _identifier(name), "name": name, "roleInOrg": role}
                for name, role in self.orgs.items()
            ],
            "auth": {"type": "access_token", "accessToken": access},
        }

    def _token_writes(self, repository: str) -> bool:
        if self.role == "fineGrained":
            return bool({"repo.write", "repo.content.write"} & self._granted(repository))
        return self.role == "write"

    def _granted(self, repository: str) -> set[str]:
        namespace = repository.partition("/")[0]
        return {*self.scopes.get(namespace, ()), *self.scopes.get(repository, ())}

    def _type(self, name: str) -> str:
        return "dataset" if "/" in name else "org" if name in self.orgs else "user"


class Accounts:
    """Who sends a token.

    Where a Hub knows no accounts, as one that only serves a folder, any token is that of some
    user: what it opens is the gate's affair.
    """

    def __init__(self, known: Iterable[Account]) -> None:
        self._known = {account.token: account for account in known}

    def of(self, authorization: str | None) -> Account | None:
        """The account of an `Authorization` header. A token that nobody has is refused."""
        if not authorization:
            return None
        token = authorization.removeprefix("Bearer ").strip()
        if not self._known:
            return Account(token, "somebody", "read")
        if token not in self._known:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return self._known[token]


def _identifier(name: str) -> str:
    """24 hexadecimal digits, as the Hub's database has them."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]
