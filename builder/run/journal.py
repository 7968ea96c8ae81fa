"""An append-only journal: one JSON object a line, written when its row is finished.

A line counts when its newline is on disk. A process that dies while it writes leaves at most one
torn last line; it is cut off the next time the journal is opened, and its row is asked anew. A
machine that loses its power takes the lines of the last `SYNC_EVERY` seconds with it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from builder.errors import RunError
from builder.run.storage import guarded, storage_error

Record = Mapping[str, object]

SYNC_EVERY = 5.0
"""Seconds between two waits for the disk: some milliseconds each, so not at every line."""


def read_journal(path: Path) -> list[dict[str, object]]:
    """All whole records of a journal, in the order in which they were written.

    A torn last line is left out. Raises `RunError` when a line before the last is damaged: that
    is no crash of ours, so nothing is guessed.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    torn = lines.pop()  # what stands behind the last newline
    records: list[dict[str, object]] = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(json.loads(line))
        except ValueError as error:
            if number == len(lines) and not torn:
                break  # a block of the last line that never reached the disk, after a power cut
            raise RunError(
                f"{path}:{number}: not a JSON line: {line[:60]!r}",
                mend=f"Something else wrote to this file. Delete {path} to sample its rows anew.",
            ) from error
    return records


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


class Journal:
    """The open end of a journal file. One process appends to it; see `RunDirectory.lock`."""

    def __init__(self, path: Path) -> None:
        """Open `path` for appending and cut off a torn last line. Raises `StorageError`."""
        self.path = path
        with guarded(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            self._end = self._cut_torn_line()
        self._synced = time.monotonic()

    def _cut_torn_line(self) -> int:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        last = content.rfind(b"\n", 0, max(whole - 1, 0)) + 1
        if not _is_json(content[last:whole]):
            whole = last
        if whole < len(content):
            os.ftruncate(self._file, whole)
        return whole

    def append(self, record: Record) -> None:
        """Write one record. It survives `kill -9` from the moment this returns.

        Raises `StorageError` when the disk refuses; the journal is then as it was before.
        """
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        with guarded(self.path):
            written = os.write(self._file, line)
        if written < len(line):
            # A disk that is nearly full takes the first part of a line and says nothing.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise storage_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), self.path)
        self._end += written
        if time.monotonic() - self._synced > SYNC_EVERY:
            self._sync()

    def _sync(self) -> None:
        with guarded(self.path):
            os.fsync(self._file)
        self._synced = time.monotonic()

    def close(self) -> None:
        """Have the disk hold everything, and let go of the file."""
        if self._file < 0:
            return
        try:
            self._sync()
        finally:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
