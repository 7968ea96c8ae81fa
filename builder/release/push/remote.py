"""What a data-set repository holds: its files by checksum, its versions, and who came last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from builder.release.push.hub import Hub
from builder.release.push.local import Content
from builder.release.push.refusals import AbsentError
from builder.release.push.version import Version

ACCOMPANY: Final = frozenset({".gitattributes", "README.md", "CHANGELOG.md", "LICENSE"})
"""Files of a repository that holds no data yet, as the Hub or its owner begin one."""

KIND: Final = "dataset"

UNTOLD: Final = ""
"""Title of a commit where the Hub does not tell it."""


@dataclass(frozen=True)
class Held:
    """A file that the repository holds. `sha256` is that of a file in LFS, None in git itself."""

    size: int
    blob: str
    sha256: str | None

    def is_same(self, content: Content) -> bool:
        """Tell whether these are the bytes of a file on this disk."""
        if self.size != content.size:
            return False
        if self.sha256 is not None:
            return self.sha256 == content.sha256
        return self.blob == content.blob


Tree = Mapping[str, Held]


@dataclass(frozen=True)
class Remote:
    """A repository at one moment; `head` is None where there is none.

    `tagged` are the versions that have their tag, and `landed` the newer ones that have a commit
    and no tag yet: whoever made it was stopped in between. Both lead to commits.
    """

    repo: str
    head: str | None = None
    private: bool = False
    files: Tree = field(default_factory=dict)
    tagged: Mapping[Version, str] = field(default_factory=dict)
    landed: Mapping[Version, str] = field(default_factory=dict)

    @property
    def versions(self) -> dict[Version, str]:
        """All versions, with their commits."""
        return {**self.landed, **self.tagged}

    @property
    def splits(self) -> list[str]:
        """The splits that the repository holds, by name."""
        return splits_of(self.files)

    @property
    def strangers(self) -> list[str]:
        """Files of a repository that holds something else than a release."""
        return [] if self.splits or self.versions else sorted(set(self.files) - ACCOMPANY)


def splits_of(paths: Iterable[str]) -> list[str]:
    """Return the splits of a release with these files, by name."""
    names = (path.removeprefix("facts/") for path in paths if path.startswith("facts/"))
    return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))


def read_head(hub: Hub, repo: str) -> str:
    """Return the last commit of a repository. Raises `PublishError`."""
    return hub.ask(f"read {repo}", lambda: hub.api.dataset_info(repo)).sha or ""


def read_tree(hub: Hub, repo: str, commit: str) -> dict[str, Held]:
    """Return all files of a commit by path. Raises `PublishError`."""
    from huggingface_hub.hf_api import RepoFile

    def listing() -> dict[str, Held]:
        found = hub.api.list_repo_tree(repo, recursive=True, revision=commit, repo_type=KIND)
        return {
            one.path: Held(one.size, one.blob_id, one.lfs.sha256 if one.lfs else None)
            for one in found
            if isinstance(one, RepoFile)
        }

    return hub.ask(f"list {repo}", listing)


def history(hub: Hub, repo: str, commit: str) -> list[tuple[str, str]]:
    """Return (commit, title) from a commit back to the first. Raises `PublishError`.

    A Hub of another make may tell no history: then it is that commit alone, its title `UNTOLD`.
    """
    try:
        found = hub.ask(
            f"list the commits of {repo}",
            lambda: hub.api.list_repo_commits(repo, revision=commit, repo_type=KIND),
        )
    except AbsentError:
        return [(commit, UNTOLD)]
    return [(one.commit_id, one.title) for one in found]


def read_file(hub: Hub, repo: str, commit: str, path: str, held: Held) -> bytes:
    """Return a small file as it was committed, its checksum compared. Raises `PublishError`."""
    from huggingface_hub import get_session, hf_hub_url, hf_raise_for_status
    from huggingface_hub.utils._headers import build_hf_headers

    def fetched() -> bytes:
        url = hf_hub_url(repo, path, revision=commit, repo_type=KIND, endpoint=hub.endpoint)
        answer = get_session().get(url, headers=build_hf_headers(token=hub.token or False))
        hf_raise_for_status(answer)
        if not held.is_same(_Received(answer.content)):
            raise ConnectionError("the bytes that came are not those that were committed")
        return answer.content

    return hub.ask(f"read {path} of {repo}", fetched)


class _Received(Content):
    """Bytes that came over the wire, with the checksums of a file."""

    def __init__(self, body: bytes) -> None:
        import hashlib
        from pathlib import Path

        git = hashlib.sha1(f"blob {len(body)}\0".encode() + body, usedforsecurity=False)
        super().__init__(Path())
        sums = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        self.__dict__.update(sums | {"blob": git.hexdigest()})
