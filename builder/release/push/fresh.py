"""Load a configuration of a version as its readers do: with an empty cache, and watch it do so."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builder.errors import UnavailableError
from builder.release.push.hub import Hub

LOOK_EVERY: Final = 0.5
"""Seconds between two looks at what was fetched."""

SPARE_SECONDS: Final = 900.0
SLOWEST: Final = 100_000.0
"""Bytes a second: a line slower than this, for longer than the spare time, counts as hanging."""

_CACHES: Final = (
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HF_ASSETS_CACHE",
    "HF_XET_CACHE",
    "HF_DATASETS_CACHE",
    "HF_MODULES_CACHE",
    "HF_DATASETS_DOWNLOADED_DATASETS_PATH",
    "HF_DATASETS_EXTRACTED_DATASETS_PATH",
    "HF_TOKEN_PATH",
    "HF_STORED_TOKENS_PATH",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "HF_DATASETS_OFFLINE",
)
"""Variables that would bring in a cache that is not empty, or keep the Hub away."""


PATIENCE: Final = {
    "HF_XET_CLIENT_READ_TIMEOUT": "60s",
    "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "2",
}
"""What hf_xet is told unless a person did: it would wait six times for five minutes."""


@dataclass(frozen=True)
class Wanted:
    """What is to be loaded: its columns by split, and the bytes of its Parquet files."""

    repo: str
    tag: str
    config: str
    columns: Mapping[str, Sequence[str]]
    bytes: int


def load_fresh(hub: Hub, wanted: Wanted, home: Path) -> Any:
    """Return what `loaded` tells of it. `home` is an empty folder, where the cache lies then.

    Raises `UnavailableError` where it did not load.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _CACHES}
    environment |= {
        "HF_HOME": str(home),
        "HF_ENDPOINT": hub.endpoint,
        "HF_TOKEN": hub.token or "",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # we are no reader
    }
    environment = {**PATIENCE, **environment}
    call = [sys.executable, "-m", "builder.release.push.loaded"]
    call += [wanted.repo, wanted.tag, wanted.config]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        call, text=True, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        try:
            out, said = _watched(process, hub, wanted, home)
        finally:
            process.kill()
    if process.returncode:
        lines = [line for line in said.splitlines() if line.strip()] or ["it said nothing"]
        raise UnavailableError(f"load_dataset failed: {lines[-1].strip()}")
    return json.loads(out)


def _watched(
    process: subprocess.Popen[str], hub: Hub, wanted: Wanted, home: Path
) -> tuple[str, str]:
    """Wait for the process, and tell how far it is; return what it printed on both streams.

    Raises `UnavailableError` when nothing came of it in the time that it may take.
    """
    given: str | None = json.dumps(wanted.columns)
    limit = SPARE_SECONDS + wanted.bytes / SLOWEST
    end = time.monotonic() + limit
    hub.watch.read(0, wanted.bytes)
    while True:
        try:
            told = process.communicate(given, timeout=LOOK_EVERY)
            hub.watch.read(wanted.bytes, wanted.bytes)
            return told
        except subprocess.TimeoutExpired:
            given = None
        if time.monotonic() > end:
            raise UnavailableError(f"load_dataset was not done after {limit:.0f} s")
        hub.watch.read(min(_fetched(home), wanted.bytes), wanted.bytes)


def _fetched(home: Path) -> int:
    """Bytes of files in the cache of downloads, those under way too."""
    found = 0
    for path in (home / "hub").glob("*/blobs/*"):
        with contextlib.suppress(OSError):  # it got another name just now
            found += path.stat().st_size
    return found
