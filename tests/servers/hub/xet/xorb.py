"""Xorbs: chunks one after the other, each packed for itself (xet-core, spec/xorb.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tests.servers.hub.refusals import Refusal
from tests.servers.hub.xet.hashes import of_chunks, of_xorb

HEAD = 8
LARGEST = 64 << 20
"""Bytes of a xorb."""

LARGEST_CHUNK = 128 << 10
AS_IT_IS, PACKED, GROUPED = 0, 1, 2


@dataclass(frozen=True)
class Chunk:
    """Where a chunk lies in its xorb, from its head to its end, and its bytes unpacked."""

    digest: bytes
    start: int
    end: int
    size: int


@dataclass(frozen=True)
class Xorb:
    """A xorb by its chunks; `length` is that of all of them as they lie there."""

    digest: bytes
    chunks: tuple[Chunk, ...]

    @property
    def length(self) -> int:
        return self.chunks[-1].end if self.chunks else 0

    @property
    def size(self) -> int:
        return sum(chunk.size for chunk in self.chunks)


def read_xorb(body: bytes) -> Xorb:
    """Read and name all chunks. What a client may put after them tells the same again."""
    if len(body) > LARGEST:
        raise Refusal(400, f"a xorb of {len(body)} bytes is too large")
    places = list(_places(body))
    digests = of_chunks([unpacked(body, start, end) for start, end, _ in places])
    chunks = tuple(Chunk(digest, *place) for digest, place in zip(digests, places, strict=True))
    return Xorb(of_xorb([(chunk.digest, chunk.size) for chunk in chunks]), chunks)


def unpacked(body: bytes, start: int, end: int) -> bytes:
    """The bytes of the chunk that lies there with its head."""
    scheme, size = body[start + 4], int.from_bytes(body[start + 5 : start + 8], "little")
    packed = body[start + HEAD : end]
    if scheme == AS_IT_IS:
        found = packed
    elif scheme in (PACKED, GROUPED):
        try:
            found = pa.Codec("lz4").decompress(packed, decompressed_size=size, asbytes=True)
        except (pa.ArrowException, OSError):
            raise Refusal(400, "a chunk cannot be unpacked") from None
    else:
        raise Refusal(400, f"a chunk is packed by scheme {scheme}, which is unknown")
    if len(found) != size:
        raise Refusal(400, f"a chunk has {len(found)} bytes, and its head says {size}")
    return _scattered(found) if scheme == GROUPED else found


def _places(body: bytes) -> Iterator[tuple[int, int, int]]:
    """Start, end and unpacked bytes of every chunk."""
    at = 0
    while at < len(body) and body[at] == 0:
        end = at + HEAD + int.from_bytes(body[at + 1 : at + 4], "little")
        size = int.from_bytes(body[at + 5 : at + 8], "little")
        if end > len(body) or size > LARGEST_CHUNK:
            raise Refusal(400, "a chunk does not fit into its xorb")
        yield at, end, size
        at = end
    if not at:
        raise Refusal(400, "a xorb without chunks")


def _scattered(grouped: bytes) -> bytes:
    """Undo that bytes were grouped by their place among four."""
    given, found = np.frombuffer(grouped, np.uint8), np.empty(len(grouped), np.uint8)
    start = 0
    for place in range(4):
        count = len(found[place::4])
        found[place::4] = given[start : start + count]
        start += count
    return found.tobytes()
