"""Files that are either whole or absent."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from builder.errors import StorageError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the disk says where room would help."""


def storage_error(error: OSError, path: Path) -> StorageError:
    """What a refused write to `path` means, in words, with what to do about it."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    mend = "Make room (`df -h` shows where)" if error.errno in FULL else "Mend that"
    return StorageError(
        f"cannot write {path}: {reason}",
        mend=f"What was finished is safe. {mend}, then run the same command again: it goes on "
        "where it stopped.",
    )


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn the OSErrors of writing `path` into a `StorageError`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; when the block ends well, make it `path`, atomically.

    A file that stands under its own name is therefore complete, whatever killed us and when.
    Raises `StorageError` when the disk refuses.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    with guarded(path):
        try:
            yield draft
            sync(draft)
            draft.replace(path)
            sync(path.parent)
        finally:
            draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a small text file, atomically."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_parquet(path: Path, frame: pl.DataFrame) -> None:
    """Write a Parquet file, atomically. Raises `StorageError`.

    By way of memory: what Polars raises on a full disk is the error of a broken file.
    """
    content = io.BytesIO()
    frame.write_parquet(content, compression="zstd")
    with replacing(path) as draft:
        draft.write_bytes(content.getbuffer())


def sync(path: Path) -> None:
    """Have the disk hold what was written to a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_draft(name: str) -> bool:
    """Whether this is a temporary name that `replacing` gives."""
    return name.startswith(".") and name.endswith(".draft")


def sweep_drafts(folder: Path) -> None:
    """Remove the drafts that a killed process left in `folder`."""
    for draft in folder.glob(".*.draft"):
        draft.unlink(missing_ok=True)
