"""One process a run. The lock is the kernel's, so it dies with its process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from builder.errors import RunLockedError
from builder.run.storage import guarded

PAUSES = (0.0, 0.05, 0.2)
"""Seconds before each try to take the lock."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, with our pid in it.

    Raises `RunLockedError`, with the other process's pid, when it is taken.
    """
    with guarded(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _taken(descriptor):
            pid = path.read_text(encoding="utf-8").strip() or "unknown"
            raise RunLockedError(
                f"process {pid} is working on {path.parent}",
                mend=f"Wait for it, or stop it (`kill -INT {pid}`), then run this again.",
            )
        with guarded(path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    """Take the lock, unless another process holds it for longer than a look takes.

    `magpie status` holds it for microseconds, to see whether a process does.
    """
    for pause in PAUSES:
        time.sleep(pause)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False
