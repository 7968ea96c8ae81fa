"""Copy a release into a folder that may hold the releases of other splits."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from builder.errors import UsageError
from builder.release.card import write_card
from builder.release.changelog import changelog
from builder.release.facts import read_facts
from builder.release.folder_swap import recover, replacing_folder
from builder.release.layout import CHANGELOG, files_of, splits_in
from builder.run.storage import guarded, write_text


def copy_release(release: Path, target: Path) -> list[str]:
    """Copy a release to `target` as a whole or not at all, and return the splits it then holds.

    The same split is replaced; other splits, and what else lies in the folder, stay as they are.
    The card is rendered anew over all splits. Raises `UsageError` when `release` is none, or
    `target` holds something that is no release; `StorageError` when the disk refuses.
    """
    splits = splits_in(release)
    if not splits:
        raise UsageError(
            f"{release} is no release: it has no card with facts",
            mend="Finish the run first: `magpie build` on the same run directory.",
        )
    target = target.resolve()
    _refuse(release.resolve(), target)
    with replacing_folder(target) as draft:
        if target.exists():
            shutil.copytree(target, draft, symlinks=True, copy_function=_link, dirs_exist_ok=True)
        for split in splits:
            _replace(split, release, draft)
        write_card(draft)
    return splits_in(target)


def _refuse(release: Path, target: Path) -> None:
    if target == release or release in target.parents or target in release.parents:
        raise UsageError(
            f"{target} and the release {release} lie in one another",
            mend="Name a folder elsewhere: --to DIR",
        )
    with guarded(target):
        recover(target)
    if not target.exists():
        return
    if not target.is_dir():
        raise UsageError(f"{target} is a file", mend="Name a folder: --to DIR")
    names = sorted(entry.name for entry in target.iterdir())
    if names and not splits_in(target):
        seen = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        raise UsageError(
            f"{target} is not empty, and no release: it holds {seen}",
            mend="Name an empty or new folder: --to DIR",
        )


def _replace(split: str, release: Path, draft: Path) -> None:
    """Put a split's files in the place of older ones; never write into one, it may be linked."""
    for old in files_of(draft, split):
        old.unlink()
    for file in files_of(release, split):
        copy = draft / file.relative_to(release)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    log = draft / CHANGELOG
    older = log.read_text(encoding="utf-8") if log.exists() else ""
    write_text(log, changelog(read_facts(release, split), older))


def _link(source: str, copy: str) -> None:
    """Share the bytes of a file that stays as it is; copy them where the disk cannot share."""
    try:
        os.link(source, copy)
    except OSError:
        shutil.copy2(source, copy)
