"""What is asked, by method and path.

`{rev}` stands for one part of a path, `{path*}` for all that is left. Clients quote a branch or a
file with slashes into one part (`refs%2Fpr%2F1`), so paths are matched before they are unquoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.servers.hub import (
    bucket,
    committing,
    creating,
    info,
    large,
    listing,
    naming,
    references,
    resolving,
    uploading,
    whoami,
)
from tests.servers.hub.exchange import Answer, At, Request
from tests.servers.hub.refusals import Refusal
from tests.servers.hub.xet import reading, shards, tokens
from tests.servers.hub.xet import uploading as xorbs

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub

Answering = Callable[["Hub", Request, At], Answer]

API = "/api/{kind}/{org}/{name}"
GIT = "/{kind?}{org}/{name}.git/info/lfs"
WEB = "/{kind?}{org}/{name}"
SIGNS = {
    "{kind}": "(?P<kind>models|datasets)",
    "{kind?}": "(?:(?P<kind>datasets)/)?",
    "{path*}": "(?P<path>.+)",
}


@dataclass(frozen=True)
class Route:
    """A line of the tables below. `name` is what faults and the log call it."""

    methods: str
    template: str
    name: str
    answer: Answering
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        parts = re.split(r"(\{[^}]+\})", self.template)
        text = "".join(
            SIGNS.get(part) or re.sub(r"^\{(\w+)\}$", r"(?P<\1>[^/]+)", part) for part in parts
        )
        object.__setattr__(self, "pattern", re.compile(text.replace(".git", r"\.git")))


HUB = (
    Route("GET", "/api/whoami-v2", "whoami", whoami.whoami),
    Route("POST", "/api/repos/create", "create", creating.create),
    Route("POST", "/api/validate-yaml", "validate-yaml", creating.validate_yaml),
    Route("POST", "/api/complete_multipart/{kind}/{org}/{name}/{oid}", "complete", large.complete),
    Route("GET", API, "info", info.info),
    Route("GET", f"{API}/revision/{{rev}}", "info", info.info),
    Route("GET", f"{API}/tree/{{rev}}", "tree", listing.tree),
    Route("GET", f"{API}/tree/{{rev}}/{{path*}}", "tree", listing.tree),
    Route("POST", f"{API}/paths-info/{{rev}}", "paths-info", listing.paths_info),
    Route("GET", f"{API}/commits/{{rev}}", "commits", listing.commits),
    Route("GET", f"{API}/refs", "refs", references.references),
    Route("GET", f"{API}/auth-check", "auth-check", whoami.auth_check),
    Route("GET", f"{API}/auth-check/write", "auth-check", whoami.auth_check_write),
    Route("PUT", f"{API}/settings", "settings", creating.settings),
    Route("POST", f"{API}/branch/{{rev}}", "create-branch", naming.create_branch),
    Route("DELETE", f"{API}/branch/{{rev}}", "delete-branch", naming.delete_branch),
    Route("POST", f"{API}/tag/{{rev}}", "create-tag", naming.create_tag),
    Route("DELETE", f"{API}/tag/{{rev}}", "delete-tag", naming.delete_tag),
    Route("POST", f"{API}/preupload/{{rev}}", "preupload", uploading.preupload),
    Route("POST", f"{API}/commit/{{rev}}", "commit", committing.commit),
    Route("GET", f"{API}/xet-write-token/{{rev}}", "xet-write-token", tokens.write_token),
    Route("GET", f"{API}/xet-read-token/{{rev}}", "xet-read-token", tokens.read_token),
    Route("POST", f"{GIT}/objects/batch", "lfs-batch", large.batch),
    Route("POST", f"{GIT}/verify", "lfs-verify", large.verify),
    Route("GET HEAD", f"{WEB}/resolve/{{rev}}/{{path*}}", "resolve", resolving.resolve),
    Route("GET HEAD", f"{WEB}/raw/{{rev}}/{{path*}}", "raw", resolving.raw),
)
BUCKET = (
    Route("PUT", "/{kind}/{org}/{name}/{oid}/{number}", "lfs-part", bucket.put_part),
    Route("PUT", "/{kind}/{org}/{name}/{oid}", "lfs-put", bucket.put),
    Route("GET HEAD", "/{kind}/{org}/{name}/{oid}", "lfs-get", bucket.get),
    Route("PUT", "/xet/{oid}/{number}", "xet-put", xorbs.put),
    Route("GET", "/xorb/default/{oid}", "xet-range", reading.xorb_range),
)
CAS = (
    Route("GET", "/v1/chunks/{name}/{oid}", "xet-chunk", shards.chunk),
    Route("POST", "/v1/xorbs/default/{oid}", "xet-xorb", xorbs.xorb),
    Route("POST", "/v1/xorb-grants/default/{oid}", "xet-grant", xorbs.grant),
    Route("POST", "/v1/xorb-commits/default/{oid}/grant/{number}", "xet-stored", xorbs.stored),
    Route("POST", "/v1/shards", "xet-shard", shards.shard),
    Route("POST", "/v2/shards", "xet-shard-2", shards.shard_by_lines),
    Route("GET", "/v1/reconstructions/{oid}", "xet-terms", reading.reconstruction),
    Route("GET", "/v2/reconstructions/{oid}", "xet-terms-2", reading.reconstruction_by_xorb),
    Route("POST", "/v1/telemetry", "xet-telemetry", shards.telemetry),
)
OPENED_OTHERWISE = (*BUCKET, *CAS)
"""Routes that no token of the Hub opens: an address that is signed does, or the storage's token."""


def find(routes: tuple[Route, ...], method: str, path: str) -> tuple[Route, At]:
    """The route of a request with what stands in its path; one that refuses where there is none."""
    for route in routes:
        found = route.pattern.fullmatch(path)
        if found and method in route.methods.split():
            parts = {name: unquote(part) for name, part in found.groupdict("models").items()}
            return route, At.read(parts)
    return NOWHERE, At()


def nowhere(hub: Hub, request: Request, at: At) -> Answer:
    """What this Hub does not have: the viewer's routes, pages, discussions."""
    raise Refusal(404, "Sorry, we can't find the page you are looking for.")


NOWHERE = Route("", "", "nowhere", nowhere)
