"""A folder that is replaced as a whole: the old one stands until the new one is complete."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from builder.run.storage import guarded, sync


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give an empty draft folder beside `folder`; when the block ends well, make it `folder`.

    Killed at any moment, `folder` is the old one or the new one. Between two renames, for an
    instant, it is neither; `recover` puts the old one back then. Raises `StorageError`.
    """
    draft = _beside(folder, "making")
    with guarded(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        recover(folder)
        try:
            draft.mkdir()
            yield draft
            _sync_tree(draft)
            _swap(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def recover(folder: Path) -> None:
    """Clear what killed processes left beside `folder`, and bring it back if one took it away.

    What belongs to a process that still lives is left to it.
    """
    for old in _left_over(folder, "old"):
        if folder.exists():
            shutil.rmtree(old)
        else:
            old.rename(folder)
    for draft in _left_over(folder, "making"):
        shutil.rmtree(draft)


def _swap(draft: Path, folder: Path) -> None:
    old = _beside(folder, "old")
    if folder.exists():
        folder.rename(old)
    draft.rename(folder)
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _beside(folder: Path, role: str) -> Path:
    return folder.with_name(f".{folder.name}.{os.getpid()}.{role}")


def _left_over(folder: Path, role: str) -> list[Path]:
    found = folder.parent.glob(f".{_escaped(folder.name)}.*.{role}")
    return sorted(path for path in found if not _is_of_a_living_other(path))


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _is_of_a_living_other(path: Path) -> bool:
    number = path.name.split(".")[-2]
    if not number.isdecimal() or int(number) == os.getpid():
        return not number.isdecimal()
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sync_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink():
            sync(path)
    sync(folder)
