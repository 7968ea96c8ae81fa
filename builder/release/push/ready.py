"""All that must hold before anything is sent, looked at in one go."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builder.errors import PrerequisiteError, UsageError
from builder.release.licensing import license_problem, missing_agreements
from builder.release.push.account import account_of, may_write
from builder.release.push.hub import Hub
from builder.release.push.local import LocalRelease, faults_told
from builder.release.push.refusals import PublishError
from builder.release.push.remote import Remote
from builder.release.push.survey import read_remote

MOST_FILES: Final = 100
"""Files of one commit: the Hub gives it a minute, enough for 50 to 100 (its documentation,
"Repository limitations and recommendations"; so are the other limits here)."""

FOLDER_FILES: Final = 10_000
LARGE: Final = 10**9
"""Bytes of a release that take some seconds to read."""

LARGEST_FILE: Final = 200 * 10**9
"""Bytes."""

UNPACKED: Final = 4.0
"""Bytes that `load_dataset` needs on disk for each byte of Parquet, to read a release back: the
file itself, and the same rows as Arrow without compression."""

OFFLINE: Final = "HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) keeps the Hub away. Unset it"

INSTALL: Final = "pip install 'magpie-builder[load]'"

_NAME: Final = re.compile(r"(?!.*(--|\.\.))[\w.-]{1,96}(?<!\.git)", re.ASCII)
"""An organisation's or a repository's name (huggingface_hub, `validate_repo_id`)."""


@dataclass(frozen=True)
class Order:
    """What is to be published where, as a person asked for it.

    `private` is None where the person did not say; a new repository is public then.
    """

    release: Path
    repo: str
    private: bool | None = None
    version: str | None = None


def check_name(repo: str) -> None:
    """Refuse what is no name of a repository. Raises `UsageError`."""
    parts = repo.split("/")
    fine = len(parts) == 2 and all(_NAME.fullmatch(part) for part in parts)
    if not fine or any(part[0] in "-." or part[-1] in "-." for part in parts):
        raise UsageError(
            f"--to {repo} is no name of a repository",
            mend="Write ORG/NAME of letters, digits, -, _ and single dots; a folder as ./DIR.",
        )


def ready(hub: Hub, order: Order, release: LocalRelease, scratch: Path | None) -> Remote:
    """Look at all that must hold, and return what the repository holds now.

    `scratch` is where the release is to be read back; None where it is not. Raises
    `PrerequisiteError` with a line for each thing that does not hold, `PublishError` where the Hub
    does not answer.
    """
    if sum(one.size for one in release.contents.values()) > LARGE:
        hub.watch.tell("Reading the release, for its checksums")
    for sentence in missing_agreements(release.facts):
        hub.watch.tell(sentence)
    missing = [*_of_release(release)]
    if scratch is not None:
        missing += _of_reading_back(release, scratch)
    if is_offline():
        _refuse(hub, order, [*missing, f"network: {OFFLINE}"])
    account = account_of(hub)
    remote = None
    if isinstance(account, str):
        missing.append(f"login: {account}")
    else:
        remote = read_remote(hub, order.repo)
        fault = may_write(hub, order.repo) if remote.head else account.creation_fault(order.repo)
        missing += [f"permission: {fault}"] if fault else []
        missing += _of_repository(order, remote)
    _refuse(hub, order, missing)
    return remote or Remote(order.repo)


def is_offline() -> bool:
    """Tell whether the client was told to stay off the network."""
    from huggingface_hub import constants

    return constants.is_offline_mode()


def again(hub: Hub, order: Order) -> Remote:
    """Return what the repository holds by now: others may have made it, or changed it.

    Raises `PrerequisiteError` where it is not as it was asked for, `PublishError`.
    """
    remote = read_remote(hub, order.repo)
    _refuse(hub, order, [*_of_repository(order, remote)])
    return remote


def _refuse(hub: Hub, order: Order, missing: Sequence[str]) -> None:
    if not missing:
        return
    raise PrerequisiteError(
        f"{order.release} cannot be published to {order.repo} yet: {len(missing)} "
        f"{'thing is' if len(missing) == 1 else 'things are'} in the way",
        missing=tuple(missing),
        mend=f"So far: {hub.watch.state}.",
    )


def _of_release(release: LocalRelease) -> Iterator[str]:
    wrong = faults_told(release)
    if wrong:
        yield f"release: {wrong}"
    problem = license_problem(release.facts)
    if problem:
        yield f"licence: {problem}"
    large = [name for name, path in release.files.items() if path.stat().st_size > LARGEST_FILE]
    if large:
        yield f"sizes: {large[0]} has more than {LARGEST_FILE // 10**9} GB. Sample fewer rows a run"


def _of_reading_back(release: LocalRelease, scratch: Path) -> Iterator[str]:
    if importlib.util.find_spec("datasets") is None:
        yield f"reading back: `datasets` is not installed. {INSTALL}"
    configs = release.facts["configs"].values()
    needed = UNPACKED * max(config["bytes"] for config in configs)
    free = shutil.disk_usage(scratch).free
    if needed > free:
        yield (
            f"reading back: it needs some {needed / 1e9:.1f} GB in {scratch}, and "
            f"{free / 1e9:.1f} GB are free. Make room"
        )


def _of_repository(order: Order, remote: Remote) -> Iterator[str]:
    if remote.head and order.private and not remote.private:
        yield (
            f"visibility: {order.repo} is public. Make it private in its settings, or leave "
            "--private out"
        )
    if remote.head and order.private is False and remote.private:
        yield f"visibility: {order.repo} is private. Make it public in its settings"
    strangers = remote.strangers
    if strangers:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        yield (
            f"repository: {order.repo} holds something else than a release ({strangers[0]}{more}). "
            "Name a new one"
        )
    if ".gitignore" in remote.files:
        yield (
            f"repository: {order.repo} has a .gitignore, and the Hub leaves out files that it "
            "names without a word. Delete it"
        )


def check_limits(paths: Iterable[str], operations: int) -> None:
    """Refuse what the Hub cannot take in one commit. Raises `PublishError`.

    `paths` are all files that the repository is to hold, `operations` those that change.
    """
    if operations > MOST_FILES:
        raise PublishError(
            f"this release changes {operations} files, and the Hub takes some {MOST_FILES} in one "
            "commit",
            mend="Publish fewer rows at once: a release has one commit, so that it is whole.",
        )
    crowded = Counter(path.rpartition("/")[0] for path in paths).most_common(1)
    if crowded and crowded[0][1] > FOLDER_FILES:
        raise PublishError(
            f"{crowded[0][0] or 'the repository'} would hold {crowded[0][1]:,} files, and the Hub "
            f"takes {FOLDER_FILES:,} in a folder",
            mend="Publish to another repository.",
        )
