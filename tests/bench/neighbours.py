"""Neighbours of 20,000, 100,000 and 1,000,000 vectors: seconds, recall, memory, and a peer's time.

The peer is the way of the public Magpie script: a flat index asked for the 500 nearest of every
row. It is quadratic, so it is run on 20,000 vectors, and what it would take for more is reckoned
from that. With faiss installed (it is no part of this project) it is faiss's flat index, else a
matrix product and a partial sort.

Vectors are unit, 768-d float32, in clusters of some hundred within 40 wider ones; 3 % are exact
twins of others, 5 % near ones. Each case runs in a process of its own, which tells its peak memory.

`python -m tests.bench.neighbours find ROWS` and `... live ROWS WIDTH` run one case.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from builder.neighbours.live import LiveLeaders
from builder.neighbours.search import find

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 768
WITHIN = 0.05
ASKED = 500
"""Neighbours that the public script asks for."""
PEER_ROWS = 20_000
CASES = (20_000, 100_000, 1_000_000)
LIVE = ((100_000, 256), (100_000, 768))
LIVE_WINDOW = 256
"""Rows come out of order by so many at most, as from as many requests in flight."""

Floats = NDArray[np.float32]


def made(rows: int, width: int = WIDTH) -> Floats:
    """Vectors as the module says, always the same ones."""
    random = np.random.default_rng(0)
    count = max(4, rows // 100)
    wide = random.standard_normal((40, width), dtype=np.float32)
    centres = wide[random.integers(0, 40, count)]
    centres = centres + random.standard_normal((count, width), dtype=np.float32)
    found = np.empty((rows, width), dtype=np.float32)
    for start in range(0, rows, 10_000):
        block = centres[random.integers(0, count, min(10_000, rows - start))] * np.float32(0.7)
        block += np.float32(0.9) * random.standard_normal(block.shape, dtype=np.float32)
        found[start : start + 10_000] = block / np.linalg.norm(block, axis=1, keepdims=True)
    order = random.permutation(rows)
    twins, near = rows * 3 // 100, rows * 5 // 100
    found[order[:twins]] = found[order[-twins:]]
    step = random.standard_normal((near, width), dtype=np.float32) / np.float32(width**0.5)
    step *= random.uniform(0, 0.2, (near, 1)).astype(np.float32)
    moved = found[order[-near:]] + step
    found[order[twins : twins + near]] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return found


def peer(vectors: Floats) -> str:
    """Ask a flat index for the 500 nearest of each row, in batches; return its name."""
    try:
        import faiss  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        for start in range(0, len(vectors), 1024):
            away = -2 * (vectors[start : start + 1024] @ vectors.T)
            np.argpartition(away, ASKED, axis=1)
        return "a flat search in numpy"
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    for start in range(0, len(vectors), 1024):
        index.search(vectors[start : start + 1024], ASKED)
    return "faiss, IndexFlatL2"


def timed(run: Callable[[], object]) -> dict[str, object]:
    """Run once; return what it returned, its seconds and CPU seconds."""
    cpu, start = time.process_time(), time.perf_counter()
    value = run()
    seconds = time.perf_counter() - start
    return {"value": value, "seconds": seconds, "cpu": time.process_time() - cpu}


def find_case(rows: int) -> dict[str, object]:
    """Our search over so many vectors."""
    vectors = made(rows)

    def run() -> float | None:
        return find(vectors, WITHIN).recall

    return timed(run)


def live_case(rows: int, width: int) -> dict[str, object]:
    """Rows one at a time, as they are sampled; the value is the longest pause in seconds."""
    vectors = made(rows, width)
    random = np.random.default_rng(1)
    order = np.argsort(np.arange(rows) + random.uniform(0, LIVE_WINDOW, rows)).tolist()
    live = LiveLeaders(WITHIN)

    def run() -> float:
        longest = 0.0
        for row in order:
            start = time.perf_counter()
            live.claim([row], vectors[row : row + 1])
            longest = max(longest, time.perf_counter() - start)
        return longest

    return timed(run)


def peer_case(rows: int) -> dict[str, object]:
    """The public script's way over so many vectors."""
    vectors = made(rows)
    return timed(lambda: peer(vectors))


def apart(case: str, *sizes: int) -> dict[str, float]:
    """Run a case in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.neighbours", case, *map(str, sizes)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def main() -> None:
    """Print all cases."""
    flat = apart("peer", PEER_ROWS)
    print(f"peer: {flat['value']}, {ASKED} neighbours of each of {PEER_ROWS:,} vectors of {WIDTH}")
    print(f"  {flat['seconds']:.1f} s; beyond, reckoned from that as the square of the rows")
    for rows in CASES:
        ours = apart("find", rows)
        reckoned = flat["seconds"] * (rows / PEER_ROWS) ** 2
        recall = "exact" if ours["value"] is None else f"recall {ours['value']:.4f} of a sample"
        print(
            f"find {rows:>9,}: {ours['seconds']:7.1f} s ({ours['cpu']:.0f} s of CPU), {recall}, "
            f"the peer {reckoned / ours['seconds']:,.1f} times as long, "
            f"{ours['memory']:.2f} GB over the {rows * WIDTH * 4 / 1e9:.2f} GB of vectors"
        )
    for rows, width in LIVE:
        ours = apart("live", rows, width)
        print(
            f"live {rows:>9,} x {width}: {ours['seconds'] / rows * 1e3:.2f} ms a row, "
            f"longest pause {ours['value']:.1f} s, "
            f"{ours['memory']:.2f} GB over the vectors that it was handed"
        )


def child() -> None:
    """What each process does."""
    run = {"find": find_case, "live": live_case, "peer": peer_case}[sys.argv[1]]
    sizes = [int(size) for size in sys.argv[2:]]
    told = run(*sizes)  # type: ignore[operator]
    width = sizes[1] if len(sizes) > 1 else WIDTH
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # kilobytes on Linux
    print(json.dumps({**told, "memory": (peak - sizes[0] * width * 4) / 1e9}))


if __name__ == "__main__":
    child()
