"""The files of a data set that exists: a file, a folder, or ORG/NAME on the Hugging Face Hub.

Which of its files belong to a config and a split is told by the card's front matter, `configs:`,
or else by the names of files and folders (Hugging Face Hub documentation, "Data files
Configuration" and "File names and splits"), for a folder on this machine as for one on the Hub.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builder.annotate.texts.frames import READABLE, readable
from builder.errors import UsageError
from builder.recipe.data_layout import CARD, chosen_files
from builder.recipe.hub_dataset import HubDataset
from builder.recipe.model_source import is_hub_id

_LOCAL: Final = ("./", "../", "/", "~/")


@dataclass(frozen=True, slots=True)
class DataFiles:
    """Where the files of a data set lie, in a stable order.

    `revision` is the commit that they were read at, '' for files of this machine.
    """

    paths: tuple[Path, ...]
    revision: str


def data_files(
    name: str,
    base: Path,
    config: str | None = None,
    split: str | None = None,
    revision: str | None = None,
) -> DataFiles:
    """Return the files of a data set, downloaded where it is on the Hub.

    `name` is a file or a folder, relative to `base`, or ORG/NAME; what is in `base` wins over the
    Hub. Without `config` it is the card's default one, or all where none is marked as such; without
    `split`, all splits. `revision` is a branch, a tag or a commit of the Hub; None is `main`.
    HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE are used by the library itself. Raises `UsageError`
    where there is no such data set, or none of its files can be read.
    """
    if is_here(name, base):
        return DataFiles(_on_this_machine(base / Path(name).expanduser(), name, config, split), "")
    hub, chosen = listed(name, config, split, revision)
    return DataFiles(hub.fetch(chosen), hub.commit)


def is_here(name: str, base: Path) -> bool:
    """Tell whether a data set lies on this machine; else its name is one of the Hub.

    Raises `UsageError` where it is neither.
    """
    path = base / Path(name).expanduser()
    if _exists(path):
        return True
    if name.startswith(_LOCAL) or not is_hub_id(name) or readable(name):
        raise UsageError(
            f"there is no file or folder {path}",
            mend="write one that exists, or ORG/NAME for a data set of the Hub",
        )
    return False


def listed(
    name: str, config: str | None = None, split: str | None = None, revision: str | None = None
) -> tuple[HubDataset, tuple[str, ...]]:
    """Return a data set of the Hub and its files, in a stable order; only its card is fetched.

    Raises as `data_files`.
    """
    hub = HubDataset.at(name, revision or "main")
    card = hub.fetch([CARD])[0] if CARD in hub.files else None
    return hub, chosen_files(name, hub.files, card, config, split)


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return False
        raise UsageError(f"{path} cannot be read: {error.strerror}", mend="mend it") from error
    return True


def _on_this_machine(
    path: Path, name: str, config: str | None, split: str | None
) -> tuple[Path, ...]:
    if path.is_file():
        _refuse_unreadable(path)
        return (path,)
    found = sorted(file for file in path.rglob("*") if file.is_file())
    names = [file.relative_to(path).as_posix() for file in found]
    card = path / CARD if CARD in names else None
    return tuple(path / file for file in chosen_files(name, names, card, config, split))


def _refuse_unreadable(path: Path) -> None:
    if not readable(path.name):
        raise UsageError(
            f'{path} has the suffix "{path.suffix}"', mend=f"give one of {', '.join(READABLE)}"
        )
