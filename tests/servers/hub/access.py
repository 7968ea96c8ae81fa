"""Who may see a repository, read its files, write to it."""

from __future__ import annotations

from tests.servers.hub.accounts import Account
from tests.servers.hub.commits import Commit
from tests.servers.hub.exchange import At
from tests.servers.hub.mounted import Mounted
from tests.servers.hub.refusals import Refusal, no_repository, no_revision
from tests.servers.hub.repository import Repository
from tests.servers.hub.shelves import Readable, Shelves

WRITE_TOKEN = "you must use a write token to upload to a repository"
NO_RIGHTS = "Authorization error."


def seen(shelves: Shelves, account: Account | None, at: At) -> Readable:
    """The repository: what it is and which files it has are told to whom it is not private."""
    found = shelves.find(at.kind, at.name)
    if found is None or (found.private and not (account and account.may_see(at.name))):
        raise no_repository(account is not None)
    return found


def opened(repository: Readable, account: Account | None) -> None:
    """Refuse the files of a gated repository to those who were not let in."""
    if not repository.gated or (account and _let_in(repository, account)):
        return
    kind = repository.kind.removesuffix("s")
    restricted = f"Access to {kind} {repository.name} is restricted"
    page = "/".join([*(["datasets"] if kind == "dataset" else []), repository.name])
    if account is None:
        more = "You must have access to it and be authenticated to access it. Please log in."
        raise Refusal(401, f"{restricted}. {more}", "GatedRepo")
    more = f"Visit https://huggingface.co/{page} to ask for access."
    message = f"{restricted} and you are not in the authorized list. {more}"
    raise Refusal(403, message, "GatedRepo")


def writable(shelves: Shelves, account: Account | None, at: At) -> Repository:
    """The repository, for one who may write to it."""
    found = seen(shelves, account, at)
    if account is None:
        raise Refusal(401, "Invalid username or password.")
    if account.role == "read":
        raise Refusal(403, WRITE_TOKEN)
    if isinstance(found, Mounted) or not account.may_write(at.name):
        raise Refusal(403, NO_RIGHTS)
    return found


def commit_of(repository: Readable, revision: str) -> Commit:
    """The commit of a branch, a tag or a commit's name."""
    oid = repository.resolve(revision)
    if oid is None:
        raise no_revision(revision)
    return repository.commit(oid)


def _let_in(repository: Readable, account: Account) -> bool:
    if isinstance(repository, Mounted):
        return account.token == repository.gate
    return account.may_see(repository.name) or account.name in repository.readers
