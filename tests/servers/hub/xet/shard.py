"""Shards: which chunks a xorb holds, and of which chunks a file is made (spec/shard.md).

All records are of 48 bytes: a hash and four numbers of 4 bytes.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.servers.hub.refusals import Refusal
from tests.servers.hub.xet.blake3 import keyed
from tests.servers.hub.xet.xorb import Xorb

TAG = b"HFRepoMetaData\0" + bytes.fromhex("556967456a7b815783a5bdd95ccdd14aa9")
HEAD, RECORD = struct.Struct("<32sQQ"), struct.Struct("<32s4I")
FOOT = struct.Struct("<9Q32s2Q72sQ")
VERSION, FOOT_VERSION = 2, 1
END = b"\xff" * 32
VERIFIED, TOLD_MORE = 1 << 31, 1 << 30
"""Flags of a file: its terms have proofs; its SHA-256 is told."""

ASKABLE = 1 << 31
"""Flag of a chunk: it may be asked for by its hash."""

EXPIRES = 7 * 24 * 3600
"""Seconds for which the answer to a question for chunks holds."""


@dataclass(frozen=True)
class Term:
    """Chunks from `start` up to `end` of a xorb; `size` are their bytes, `proof` shows them."""

    xorb: bytes
    start: int
    end: int
    size: int
    proof: bytes = b""


@dataclass(frozen=True)
class File:
    """`sha256` as hashes are told in the protocol, not in hexadecimal digits."""

    digest: bytes
    terms: tuple[Term, ...]
    sha256: bytes | None

    @property
    def size(self) -> int:
        return sum(term.size for term in self.terms)


@dataclass(frozen=True)
class Listed:
    """A xorb as a shard lists it: hash, bytes and flags of each chunk."""

    digest: bytes
    chunks: tuple[tuple[bytes, int, int], ...]


@dataclass(frozen=True)
class Shard:
    """What a client sends once the xorbs are there."""

    files: tuple[File, ...]
    xorbs: tuple[Listed, ...]


def read_shard(body: bytes) -> Shard:
    """Read a shard; its foot, which may be missing, tells nothing that is not known by then."""
    try:
        tag, version, _ = HEAD.unpack_from(body)
        if tag != TAG or version != VERSION:
            raise Refusal(400, "this is no shard of version 2")
        records = RECORD.iter_unpack(body[HEAD.size : _whole(body)])
        return Shard(tuple(_files(records)), tuple(_xorbs(records)))
    except (struct.error, StopIteration, RuntimeError):
        raise Refusal(400, "the shard ends too early") from None


def write_shard(xorbs: Iterable[Xorb], key: bytes) -> bytes:
    """An answer that lists xorbs; the hashes of their chunks are told under a key.

    What the specification calls reserved are the places of three tables. hf_xet takes the first for
    the end of the list, and dies of a zero: so they stand there, empty.
    """
    body = [RECORD.pack(END, 0, 0, 0, 0)]
    for xorb in xorbs:
        count = len(xorb.chunks)
        body.append(RECORD.pack(xorb.digest, 0, count, xorb.size, xorb.length))
        start = 0
        hidden = keyed(key, [chunk.digest for chunk in xorb.chunks])
        for chunk, digest in zip(xorb.chunks, hidden, strict=True):
            body.append(RECORD.pack(digest, start, chunk.size, 0, 0))
            start += chunk.size
    body.append(RECORD.pack(END, 0, 0, 0, 0))
    foot = HEAD.size + len(body) * RECORD.size
    now = int(time.time())
    places = HEAD.size, HEAD.size + RECORD.size, *(foot, 0) * 3
    told = FOOT.pack(FOOT_VERSION, *places, key, now, now + EXPIRES, b"", foot)
    return HEAD.pack(TAG, VERSION, FOOT.size) + b"".join(body) + told


Records = Iterator[tuple[bytes, int, int, int, int]]


def _whole(body: bytes) -> int:
    """The end of the last whole record; the foot is none."""
    return len(body) - (len(body) - HEAD.size) % RECORD.size


def _files(records: Records) -> Iterator[File]:
    while (head := next(records))[0] != END:
        digest, flags, count = head[:3]
        told = [next(records) for _ in range(count)]
        proofs = [next(records)[0] for _ in range(count)] if flags & VERIFIED else [b""] * count
        sha256 = next(records)[0] if flags & TOLD_MORE else None
        terms = (
            Term(xorb, start, end, size, proof)
            for (xorb, _, size, start, end), proof in zip(told, proofs, strict=True)
        )
        yield File(digest, tuple(terms), sha256)


def _xorbs(records: Records) -> Iterator[Listed]:
    while (head := next(records))[0] != END:
        chunks = (next(records) for _ in range(head[2]))
        yield Listed(head[0], tuple((one[0], one[2], one[3]) for one in chunks))
