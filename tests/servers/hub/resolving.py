"""Files: `resolve` gives the content, `raw` what git holds: of a large file the pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers.hub.access import commit_of, opened, seen
from tests.servers.hub.commits import Commit, Entry
from tests.servers.hub.exchange import Answer, At, Request
from tests.servers.hub.git import pointer
from tests.servers.hub.ranges import ranged
from tests.servers.hub.refusals import no_entry
from tests.servers.hub.shelves import Readable

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub


def resolve(hub: Hub, request: Request, at: At) -> Answer:
    """A large file is a redirect to where it lies; what it is stands in the redirect's head.

    Of one that came over Xet it says, too, how to get it in chunks.
    """
    repository, commit, entry = _found(hub, request, at)
    headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{entry.etag}"'}
    if entry.sha256 is None:
        return ranged(request, repository.where(at.path, entry), headers)
    place = f"/{repository.kind}/{repository.name}/{entry.sha256}"
    location = hub.signed(hub.bucket.url, place)
    linked = {"X-Linked-ETag": f'"{entry.sha256}"', "X-Linked-Size": str(entry.size)}
    kinds = {"Accept-Ranges": "bytes", "Content-Type": "text/plain; charset=utf-8"}
    body = f"Found. Redirecting to {location}".encode()
    linked |= _chunked(hub, request, repository, commit, entry)
    del headers["ETag"]
    return Answer(302, {**headers, **linked, **kinds, "Location": location}, body)


def _chunked(
    hub: Hub, request: Request, repository: Readable, commit: Commit, entry: Entry
) -> dict[str, str]:
    found = hub.xet.store.named(entry.sha256) if hub.xet else None
    if found is None:
        return {}
    token = f"{request.base}/api/{repository.kind}/{repository.name}/xet-read-token/{commit.oid}"
    terms = f"{hub.cas.url}/v1/reconstructions/{found}"
    link = f'<{token}>; rel="xet-auth", <{terms}>; rel="xet-reconstruction-info"'
    return {"X-Xet-Hash": found, "Link": link}


def raw(hub: Hub, request: Request, at: At) -> Answer:
    repository, commit, entry = _found(hub, request, at)
    headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{entry.oid}"'}
    if entry.sha256:
        return Answer(200, headers, pointer(entry.sha256, entry.size))
    return ranged(request, repository.where(at.path, entry), headers)


def _found(hub: Hub, request: Request, at: At) -> tuple[Readable, Commit, Entry]:
    repository = seen(hub.shelves, request.account, at)
    opened(repository, request.account)
    commit = commit_of(repository, at.rev)
    if at.path not in commit.files:
        raise no_entry(commit.oid)
    return repository, commit, commit.files[at.path]
