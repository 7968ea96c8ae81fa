"""Names: of a chunk, of a xorb, of a file, and what proves that a client has a term's chunks.

All of them are BLAKE3 under a key of their own (xet-core, spec/hashing.md).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from tests.servers.hub.xet.blake3 import keyed

CHUNK = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
NODE = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
TERM = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")
NOTHING = bytes(32)

BRANCHES = 4
"""Mean number of children of a node, and at most twice as many and one."""

ELIGIBLE = 1024
"""One chunk in so many may be asked for by its hash (spec/deduplication.md)."""


def hexadecimal(digest: bytes) -> str:
    """A hash as it stands in addresses: four numbers of 8 bytes, the least byte first."""
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", digest))


def binary(name: str) -> bytes:
    """The opposite. Raises ValueError for what is no hash."""
    if len(name) != 64:
        raise ValueError(f"{name!r} is no hash")
    return struct.pack("<4Q", *(int(name[at : at + 16], 16) for at in range(0, 64, 16)))


def of_chunks(chunks: Sequence[bytes]) -> list[bytes]:
    return keyed(CHUNK, chunks)


def of_xorb(chunks: Sequence[tuple[bytes, int]]) -> bytes:
    """The root of a tree over (hash, bytes) of the chunks."""
    nodes = list(chunks)
    while len(nodes) > 1:
        groups = list(_groups(nodes))
        texts = [
            "".join(f"{hexadecimal(digest)} : {size}\n" for digest, size in group).encode()
            for group in groups
        ]
        sizes = (sum(size for _, size in group) for group in groups)
        nodes = list(zip(keyed(NODE, texts), sizes, strict=True))
    return nodes[0][0] if nodes else NOTHING


def of_file(chunks: Sequence[tuple[bytes, int]]) -> bytes:
    return keyed(NOTHING, [of_xorb(chunks)])[0] if chunks else NOTHING


def of_term(chunks: Iterable[bytes]) -> bytes:
    """What only those can tell who have the hashes of the chunks of a term."""
    return keyed(TERM, [b"".join(chunks)])[0]


def is_eligible(digest: bytes) -> bool:
    return _remainder(digest, ELIGIBLE) == 0


def _groups(nodes: list[tuple[bytes, int]]) -> Iterable[list[tuple[bytes, int]]]:
    start = 0
    while start < len(nodes):
        most = min(len(nodes), start + 2 * BRANCHES + 1)
        ends = (at + 1 for at in range(start + 2, most) if not _remainder(nodes[at][0], BRANCHES))
        end = next(ends, most)
        yield nodes[start:end]
        start = end


def _remainder(digest: bytes, divisor: int) -> int:
    return int.from_bytes(digest[24:], "little") % divisor
