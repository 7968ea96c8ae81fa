"""BLAKE3 with a key, for many messages at once (the BLAKE3 paper, sections 2.2 to 2.4).

The Xet protocol names everything by it. Python has none; on NumPy's columns it hashes some 30 MB
a second, which is enough for a server of tests.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

INITIAL = np.array(
    [
        0x6A09E667,
        0xBB67AE85,
        0x3C6EF372,
        0xA54FF53A,
        0x510E527F,
        0x9B05688C,
        0x1F83D9AB,
        0x5BE0CD19,
    ],
    dtype=np.uint32,
)
ORDER = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
COLUMNS = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
DIAGONALS = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
ROUNDS = 7
BLOCK, LEAF = 64, 1024
"""Bytes that are mixed in at once, and bytes of a leaf of the tree."""

START, END, PARENT, ROOT, KEYED = 1, 2, 4, 8, 16


def keyed(key: bytes, messages: Sequence[bytes]) -> list[bytes]:
    """The hash of each message, 32 bytes, under a key of 32 bytes."""
    if not messages:
        return []
    words = np.frombuffer(key, dtype="<u4").astype(np.uint32)
    counts = [max(1, -(-len(message) // LEAF)) for message in messages]
    values = _leaves(words, messages, counts)
    trees, start = [], 0
    for count in counts:
        trees.append(values[start : start + count])
        start += count
    while any(len(tree) > 1 for tree in trees):
        _join(words, trees)
    return [tree[0].astype("<u4").tobytes() for tree in trees]


def _leaves(key: Words, messages: Sequence[bytes], counts: Sequence[int]) -> Words:
    """The value of every leaf of every message, a row each."""
    parts = [
        message[at * LEAF : (at + 1) * LEAF]
        for message, count in zip(messages, counts, strict=True)
        for at in range(count)
    ]
    alone = np.concatenate([np.full(count, count == 1) for count in counts])
    number = np.concatenate([np.arange(count, dtype=np.uint32) for count in counts])
    lengths = np.array([len(part) for part in parts])
    padded = b"".join(part.ljust(LEAF, b"\0") for part in parts)
    blocks = np.frombuffer(padded, dtype="<u4").astype(np.uint32).reshape(len(parts), 16, 16)
    values = np.tile(key, (len(parts), 1))
    last = np.maximum(0, -(-lengths // BLOCK) - 1)
    for at in range(int(last.max()) + 1):
        here = np.flatnonzero(last >= at)
        ends = last[here] == at
        flags = np.full(len(here), KEYED + (START if at == 0 else 0), dtype=np.uint32)
        flags += np.where(ends, END + np.where(alone[here], ROOT, 0), 0).astype(np.uint32)
        sizes = np.minimum(lengths[here] - at * BLOCK, BLOCK).astype(np.uint32)
        values[here] = _mix(values[here], blocks[here, at], number[here], sizes, flags)
    return values


def _join(key: Words, trees: list[Words]) -> None:
    """One level up in all trees: neighbours are joined, an odd one is left as it is."""
    joined = [at for at, tree in enumerate(trees) if len(tree) > 1]
    pairs = [trees[at][: len(trees[at]) // 2 * 2].reshape(-1, 16) for at in joined]
    blocks = np.concatenate(pairs)
    flags = np.concatenate(
        [
            np.full(len(pair), KEYED + PARENT + (ROOT if len(trees[at]) == 2 else 0))
            for at, pair in zip(joined, pairs, strict=True)
        ]
    ).astype(np.uint32)
    nothing = np.zeros(len(blocks), dtype=np.uint32)
    sizes = np.full(len(blocks), BLOCK, dtype=np.uint32)
    values = _mix(np.tile(key, (len(blocks), 1)), blocks, nothing, sizes, flags)
    start = 0
    for at, pair in zip(joined, pairs, strict=True):
        odd = trees[at][len(pair) * 2 :]
        trees[at] = np.concatenate([values[start : start + len(pair)], odd])
        start += len(pair)


def _mix(values: Words, blocks: Words, number: Words, sizes: Words, flags: Words) -> Words:
    """The compression function, a row each."""
    high = np.zeros_like(number)
    state = [
        *values.T.copy(),
        *(np.full(len(values), word, dtype=np.uint32) for word in INITIAL[:4]),
        *(number, high, sizes, flags),
    ]
    message = list(blocks.T.copy())
    for _ in range(ROUNDS):
        for at, four in enumerate([*COLUMNS, *DIAGONALS]):
            _quarter(state, four, message[2 * at], message[2 * at + 1])
        message = [message[at] for at in ORDER]
    return np.stack([state[at] ^ state[at + 8] for at in range(8)], axis=1)


def _quarter(state: list[Words], four: tuple[int, int, int, int], x: Words, y: Words) -> None:
    a, b, c, d = (state[at] for at in four)
    for word, first, second in ((x, 16, 12), (y, 8, 7)):
        a = a + b + word
        d = _turned(d ^ a, first)
        c = c + d
        b = _turned(b ^ c, second)
    for at, value in zip(four, (a, b, c, d), strict=True):
        state[at] = value


def _turned(words: Words, bits: int) -> Words:
    return (words >> np.uint32(bits)) | (words << np.uint32(32 - bits))
