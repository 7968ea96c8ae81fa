"""How to put a file together: its terms, and where the bytes of their chunks lie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.servers.hub.exchange import Answer, At, Request, as_json
from tests.servers.hub.ranges import ranged
from tests.servers.hub.refusals import Refusal
from tests.servers.hub.xet.hashes import hexadecimal
from tests.servers.hub.xet.shard import File, Term
from tests.servers.hub.xet.storage import digest_of, storage_of

if TYPE_CHECKING:
    from tests.servers.hub.server import Hub
    from tests.servers.hub.xet.store import Store

RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True)
class Cut:
    """The terms that a range of a file needs, and the bytes of the first that come before it."""

    terms: tuple[Term, ...]
    before: int


def reconstruction(hub: Hub, request: Request, at: At) -> Answer:
    """One address for each range of chunks."""
    store, cut = _asked(hub, request, at, 1)
    told: dict[str, list[Any]] = {}
    for term in cut.terms:
        url, place = _place(hub, store, term)
        chunks = {"start": term.start, "end": term.end}
        one = {"range": chunks, "url": url, "url_range": place}
        known = told.setdefault(hexadecimal(term.xorb), [])
        if chunks not in (other["range"] for other in known):
            known.append(one)
    return as_json({**_terms(cut), "fetch_info": told})


def reconstruction_by_xorb(hub: Hub, request: Request, at: At) -> Answer:
    """Addresses with all their ranges, by xorb."""
    store, cut = _asked(hub, request, at, 2)
    told: dict[str, list[Any]] = {}
    for term in cut.terms:
        url, place = _place(hub, store, term)
        ranges = [{"chunks": {"start": term.start, "end": term.end}, "bytes": place}]
        known = told.setdefault(hexadecimal(term.xorb), [])
        if ranges not in (other["ranges"] for other in known):
            known.append({"url": url, "ranges": ranges})
    return as_json({**_terms(cut), "xorbs": told})


def xorb_range(hub: Hub, request: Request, at: At) -> Answer:
    """Bytes of a xorb; an address opens the range that it was signed for and no other."""
    hub.check_signature(request)
    storage = storage_of(hub)
    if request.headers.get("Range") != f"bytes={request.query['range'][-1]}":
        raise Refusal(403, "this address is for another range")
    return ranged(request, storage.store.path(digest_of(at.oid)), {})


def _asked(hub: Hub, request: Request, at: At, generation: int) -> tuple[Store, Cut]:
    storage = storage_of(hub, generation)
    storage.tokens.scope(request, writes=False)
    file = storage.store.file(digest_of(at.oid))
    if file is None:
        raise Refusal(404, "there is no such file")
    return storage.store, _cut(storage.store, file, request.headers.get("Range", ""))


def _cut(store: Store, file: File, asked: str) -> Cut:
    """Whole chunks that hold the range: clients unpack no others."""
    found = RANGE.fullmatch(asked)
    first = int(found[1]) if found else 0
    last = int(found[2]) if found and found[2] else file.size - 1
    if found and first >= file.size:
        raise Refusal(416, "the range begins behind the end")
    terms: list[Term] = []
    before, at = 0, 0
    for term in file.terms:
        start, end, size = term.start, term.start, 0
        for number, chunk in enumerate(store.chunks(term), term.start):
            if at + chunk.size <= first:
                start = end = number + 1
            elif at <= last:
                before = first - at if not terms and not size else before
                end, size = number + 1, size + chunk.size
            at += chunk.size
        if size:
            terms.append(Term(term.xorb, start, end, size))
    return Cut(tuple(terms), before)


def _terms(cut: Cut) -> dict[str, Any]:
    terms = [
        {
            "hash": hexadecimal(term.xorb),
            "unpacked_length": term.size,
            "range": {"start": term.start, "end": term.end},
        }
        for term in cut.terms
    ]
    return {"offset_into_first_range": cut.before, "terms": terms}


def _place(hub: Hub, store: Store, term: Term) -> tuple[str, dict[str, int]]:
    """A signed address, and the bytes there, the last one included."""
    chunks = store.chunks(term)
    start, end = chunks[0].start, chunks[-1].end - 1
    path = f"/xorb/default/{hexadecimal(term.xorb)}"
    url = hub.signed(hub.bucket.url, path, range=f"{start}-{end}")
    return url, {"start": start, "end": end}
