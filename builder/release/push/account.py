"""Whose token it is, and whether it may write to a repository or make it.

Roles and permissions are those of the Hub's documentation, "User access tokens" and "Access control
in organizations"; `whoami-v2` tells them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from builder.release.push.hub import Hub
from builder.release.push.refusals import AbsentError, ForbiddenError

CREATORS: Final = ("admin", "write", "contributor")
"""Roles in an organisation that may make repositories there."""

WRITES: Final = "repo.write"
"""Permission of a fine-grained token to make repositories and write to them."""

TOKENS: Final = "https://huggingface.co/settings/tokens"
LOG_IN: Final = "set HF_TOKEN, or run `hf auth login`"


@dataclass(frozen=True)
class Account:
    """The answer of `whoami`, read."""

    name: str
    orgs: Mapping[str, str | None]
    role: str
    scopes: Mapping[str, tuple[str, ...]]

    def creation_fault(self, repo: str) -> str | None:
        """Return why a repository cannot be made with this token; None where it can.

        What the Hub does not tell is left for it to refuse.
        """
        namespace = repo.partition("/")[0]
        if self.role == "read":
            return f"the token of {self.name} can only read. Make one that writes: {TOKENS}"
        if namespace != self.name and namespace not in self.orgs:
            return (
                f"{self.name} is no member of {namespace}. Publish to {self.name}/..., or ask "
                f"{namespace} to let you in"
            )
        role = self.orgs.get(namespace)
        if namespace != self.name and role is not None and role not in CREATORS:
            return f"{self.name} has the role {role!r} in {namespace}. Ask there for `write`"
        if self.role == "fineGrained" and WRITES not in self.scopes.get(namespace, ()):
            return (
                f"this fine-grained token may not make repositories of {namespace}. Give it "
                f"`{WRITES}` there: {TOKENS}"
            )
        return None


def token_of_login() -> str | None:
    """Return the token: HF_TOKEN, or the one that `hf auth login` stored; None without."""
    from huggingface_hub import get_token

    return get_token()


def account_of(hub: Hub) -> Account | str:
    """Return whose token it is, or why that cannot be told: in words, with the mend."""
    if hub.token is None:
        return f"no token was found: {LOG_IN}"
    if not (hub.token.isascii() and hub.token.isprintable()) or " " in hub.token:
        return f"the token has letters that no token has; {LOG_IN}"
    try:
        told = hub.ask("whoami", lambda: hub.api.whoami(token=hub.token))
    except ForbiddenError:
        return f"the Hub does not accept the token. Make one: {TOKENS}, then {LOG_IN}"
    return _read(told)


def may_write(hub: Hub, repo: str) -> str | None:
    """Return why this token cannot write to a repository that exists; None where it can.

    A Hub of another make may not know the question: it refuses later what it has to.
    """
    try:
        hub.ask("auth check", lambda: hub.api.auth_check(repo, repo_type="dataset", write=True))
    except ForbiddenError as error:
        return f"this token may not write to {repo} ({error.message}). {error.mend}"
    except AbsentError:
        return None
    return None


def _read(told: Mapping[str, Any]) -> Account:
    token = told.get("auth", {}).get("accessToken", {})
    scoped = token.get("fineGrained", {}).get("scoped", [])
    return Account(
        name=told["name"],
        orgs={org["name"]: org.get("roleInOrg") for org in told.get("orgs", [])},
        role=token.get("role", "write"),
        scopes={one["entity"]["name"]: tuple(one["permissions"]) for one in scoped},
    )
