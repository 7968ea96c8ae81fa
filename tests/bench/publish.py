"""Bytes that a new version with 1 % more rows sends, of all bytes of its Parquet files.

Three ways to have 1 % more rows: after the others (a higher target), among them in one place, and
scattered over all of them (a rule that is looser). Each version is published to a Hub on this
machine, over two routes:

    Xet    the route of production: files are cut into chunks where a rolling hash of the last 64
           bytes says so, and a chunk that the Hub has is not sent. Measured as the bytes of xorbs
           that the Hub here receives from the real client, on the machine that sent the version
           before; and, since that Hub is ours, counted beside it by cutting and hashing as Xet's
           documentation says (huggingface.co/docs/xet/chunking): 8 to 128 KiB, 64 on average. The
           counting has another table of random numbers, so boundaries lie elsewhere and are as
           frequent; and what the client packs, or sends twice so as not to scatter a file over
           too many xorbs, is left out
    LFS    the route of clients without Xet: a changed file is sent whole. Measured, too. Files of
           250,000 row numbers bound it

The peer is the same Parquet without content-defined chunking; it is counted.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi
from huggingface_hub.utils import disable_progress_bars

from builder.release.columns import filtered_columns
from builder.release.parquet import GROUP_SPAN, SplitWriter
from tests.select.tiny_run import recipe
from tests.servers.hub import Account, writable_hub
from tests.servers.hub.client import point_here

ROWS = 20_000
MORE = ROWS // 100
LARGE = ("xet-put", "xet-xorb", "lfs-put")
"""Routes of the Hub that bytes of large files come in by."""

BOUNDS = {"at the end": 0.06, "in one place": 0.09, "scattered": 0.75}
"""Share of the bytes that may be sent. Scattered rows are the worst case: 200 places, each of which
changes a page of every column, in a version of some 1,000 chunks."""

APART = 0.05
"""Share of a file's bytes by which what was received may differ from what was counted."""

SMALLEST, LARGEST = 8 << 10, 128 << 10
MASK = np.uint64(0xFFFF_0000_0000_0000)
TABLE = np.random.default_rng(64).integers(0, 2**64, 256, dtype=np.uint64)


def main() -> None:
    """Print the bytes of each way and route, and the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        for way, before in (
            ("at the end", range(ROWS - MORE)),
            ("in one place", [*range(ROWS // 2), *range(ROWS // 2 + MORE, ROWS)]),
            ("scattered", [row for row in range(ROWS) if row % 100]),
        ):
            _compare(way, list(before), Path(folder) / way)


def _compare(way: str, before: list[int], folder: Path) -> None:
    old, new = _write(folder / "old", before), _write(folder / "new", list(range(ROWS)))
    size = new.stat().st_size
    sent, peer = _new_bytes(old, new), _new_bytes(_unchunked(old), _unchunked(new))
    measured = _received(old, new, folder / "xet", xet=2)
    whole = _received(old, new, folder / "lfs", xet=None)
    print(f"1 % more rows {way}: a file of {size / 1e6:.1f} MB")
    print(f"  Xet, bytes received       {measured / 1e6:8.2f} MB   {measured / size:.3f}")
    print(f"  Xet, as we write it       {sent / 1e6:8.2f} MB")
    print(f"  Xet, without chunking     {peer / 1e6:8.2f} MB   {peer / size:.3f}")
    print(f"  LFS                       {whole / 1e6:8.2f} MB   {whole / size:.3f}")
    print(f"  ratio                     {sent / size:8.3f}      (bound {BOUNDS[way]})")
    apart = abs(measured - sent) / size
    print(f"  received against counted  {apart:8.3f}      (bound {APART})")


def _write(folder: Path, numbers: list[int]) -> Path:
    with SplitWriter(folder, "pro", filtered_columns(recipe())) as writer:
        for start in range(0, len(numbers), GROUP_SPAN):
            writer.write(_rows(numbers[start : start + GROUP_SPAN]))
        (file,) = writer.finish()
    return file


def _rows(numbers: list[int]) -> pl.DataFrame:
    """Rows with texts of the length of Air's, made of words as frequent as words are."""
    texts = [_text(number) for number in numbers]
    turns = [({"from": "human", "value": a}, {"from": "gpt", "value": b}) for a, b in texts]
    messages = [
        ({"role": "user", "content": a}, {"role": "assistant", "content": b}) for a, b in texts
    ]
    settings = {"temperature": 1.0, "top_p": 1.0, "input_generator": "m", "pre_query_template": "u"}
    count = len(numbers)
    return pl.DataFrame(
        {
            "uuid": [hashlib.md5(str(number).encode()).hexdigest() for number in numbers],
            "model": ["org/model"] * count,
            "gen_input_configs": [settings | {"seed": number * 7919} for number in numbers],
            "instruction": [a for a, _ in texts],
            "response": [b for _, b in texts],
            "conversations": [list(turn) for turn in turns],
            "instruction_length": [len(a) for a, _ in texts],
            "response_length": [len(b) for _, b in texts],
            "row": numbers,
            "messages": [list(message) for message in messages],
            "instruction_tokens": [len(a.split()) for a, _ in texts],
            "response_tokens": [len(b.split()) for _, b in texts],
            "instruction_finish_reason": ["stop"] * count,
            "finish_reason": ["stop"] * count,
        }
    )


WORDS = [f"{hashlib.md5(str(n).encode()).hexdigest()[: 2 + n % 9]}" for n in range(20_000)]
FREQUENCIES = np.cumsum([1 / (n + 1) for n in range(len(WORDS))]).tolist()


def _text(number: int) -> tuple[str, str]:
    chance = random.Random(number)
    words = chance.choices(WORDS, cum_weights=FREQUENCIES, k=330)
    return " ".join(words[:20]), " ".join(words[20:])


def _unchunked(path: Path) -> Path:
    """The same file as pyarrow writes it by default, in the same row groups."""
    file, out = pq.ParquetFile(path), path.with_suffix(".peer")
    with pq.ParquetWriter(out, file.schema_arrow, compression="zstd") as writer:
        for number in range(file.num_row_groups):
            writer.write_table(file.read_row_group(number))
    return out


def _new_bytes(old: Path, new: Path) -> int:
    """The bytes in chunks of `new` that `old` has not."""
    known = {hashlib.sha256(chunk).digest() for chunk in _chunks(old.read_bytes())}
    found = {hashlib.sha256(chunk).digest(): len(chunk) for chunk in _chunks(new.read_bytes())}
    return sum(length for digest, length in found.items() if digest not in known)


def _chunks(content: bytes) -> Iterator[bytes]:
    """Cut where the upper 16 bits of the hash are zero. The hash of 64 bytes is made by doubling:
    that of 2n bytes is that of the last n, and that of the n before, shifted by n bits.
    """
    hashes = TABLE[np.frombuffer(content, np.uint8)]
    for length in (1, 2, 4, 8, 16, 32):
        hashes[length:] = hashes[length:] + (hashes[:-length] << np.uint64(length))
    start = 0
    for end in [*(np.flatnonzero((hashes & MASK) == 0) + 1).tolist(), len(content)]:
        while end - start > LARGEST:
            yield content[start : start + LARGEST]
            start += LARGEST
        if end - start >= SMALLEST or end == len(content):
            yield content[start:end]
            start = end


def _received(old: Path, new: Path, state: Path, xet: int | None) -> int:
    """The bytes that the Hub here receives when `new` takes the place of `old`."""
    account = Account("hf_bench", "ann")
    with writable_hub(state, account, xet=xet) as hub, pytest.MonkeyPatch.context() as patch:
        point_here(patch, hub, state / "home", account.token)
        disable_progress_bars()
        api = HfApi(endpoint=hub.url, token=account.token)
        api.create_repo("ann/bench", repo_type="dataset")
        for path in (old, new):
            mark = hub.log.mark()
            api.upload_file(
                path_or_fileobj=path,
                path_in_repo=f"filtered/{path.name}",
                repo_id="ann/bench",
                repo_type="dataset",
            )
        return sum(asked.received for asked in hub.log.since(mark) if asked.route in LARGE)
