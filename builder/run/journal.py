"""An append-only journal: one JSON object a line, written when its row is finished.

A line counts when its newline is on disk. A process that dies while it writes leaves at most one
torn last line; it is cut off the next time the journal is opened, and its row is asked anew.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from builder.errors import RunError, StorageError
from builder.run.storage import storage_error

Record = Mapping[str, object]


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
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            self._end = self._cut_torn_line()
        except OSError as error:
            raise storage_error(error, path) from error

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
        try:
            written = os.write(self._file, line)
        except OSError as error:
            raise storage_error(error, self.path) from error
        if written < len(line):
            # A disk that is nearly full takes the first part of a line and says nothing.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise StorageError(
                f"cannot write {self.path}: only {written} of {len(line)} bytes were taken",
                mend="The disk is full. Make room, then run the same command again.",
            )
        self._end += written

    def close(self) -> None:
        """Have the disk hold everything, and let go of the file."""
        if self._file < 0:
            return
        try:
            os.fsync(self._file)
        except OSError as error:
            raise storage_error(error, self.path) from error
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
