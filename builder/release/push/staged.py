"""The files of a release as they are to stand in a repository that may hold other splits.

A split's own files go as they lie on this disk, byte for byte. What speaks of all splits, the card
and what is rendered beside it, is made anew from the facts of every split that is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from builder.release.card import write_card
from builder.release.changelog import changelog, with_card
from builder.release.checksums import facts_text
from builder.release.facts import Facts
from builder.release.layout import CARD, CHANGELOG, facts_path
from builder.release.plots.drawing import TOGETHER
from builder.release.push.hub import Hub
from builder.release.push.local import Content, LocalRelease, belongs_to
from builder.release.push.refusals import PublishError
from builder.release.push.remote import Remote, Tree, read_file
from builder.release.push.version import Version
from builder.release.push.whole import changed, facts_at, orphans


@dataclass(frozen=True)
class Staged:
    """What is to stand in the repository, by path."""

    files: Mapping[str, Content]

    @property
    def card(self) -> str:
        """The card's text."""
        return self.files[CARD].path.read_text(encoding="utf-8")

    def differs_from(self, path: str, tree: Tree) -> bool:
        """Tell whether a commit has a file otherwise, or not at all."""
        return path not in tree or not tree[path].is_same(self.files[path])

    def is_in(self, tree: Tree, split: str) -> bool:
        """Tell whether a commit holds all of it, and nothing of the split beyond it."""
        same = not any(self.differs_from(path, tree) for path in self.files)
        return same and not self.left_over(tree, split)

    def left_over(self, tree: Tree, split: str) -> list[str]:
        """Return what a commit holds of the split, or drawn of all, that is no more: to delete."""
        ours = (path for one in (split, TOGETHER) for path in tree if belongs_to(path, one))
        return sorted(path for path in ours if path not in self.files)


@dataclass(frozen=True)
class Staging:
    """Stages a release for a repository as it was read, for any version.

    `before` are the facts of every other split that it holds, and `older` its changelog, None where
    it has none. `folder` is an empty one.
    """

    release: LocalRelease
    remote: Remote
    before: Mapping[str, Facts]
    older: str | None
    folder: Path

    @cached_property
    def facts(self) -> dict[str, Facts]:
        """The facts of every split that the repository is to hold."""
        return dict(sorted({**self.before, self.release.split: self.release.facts}.items()))

    @cached_property
    def own(self) -> dict[str, Content]:
        """The split's own files."""
        contents, split = self.release.contents, self.release.split
        return {path: one for path, one in contents.items() if belongs_to(path, split)}

    @cached_property
    def is_new(self) -> bool:
        """Whether the split is another than the one that the repository holds."""
        tree = self.remote.files
        return not all(path in tree and tree[path].is_same(one) for path, one in self.own.items())

    def staged(self, version: Version, reasons: Sequence[str] | None) -> Staged:
        """Render what speaks of all splits for a version, each time into a folder of its own.

        `reasons` say what is new in it; None where the changelog tells of that version already.
        """
        folder = self.folder / f"{version.tag}-{'told' if reasons is None else 'new'}"
        for split, facts in self.facts.items():
            path = facts_path(folder, split)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(facts_text(facts | {"repo": self.remote.repo}), encoding="utf-8")
        log = self._changelog(version, reasons)
        (folder / CHANGELOG).write_text(log, encoding="utf-8", newline="")
        write_card(folder, str(version))
        rendered = {
            path.relative_to(folder).as_posix(): Content(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.parent.name != "facts"
        }
        return Staged({**rendered, **self.own})

    def _changelog(self, version: Version, reasons: Sequence[str] | None) -> str:
        """Return the changelog. A repository's versions are its tags, not those of a recipe."""
        if self.older is not None and reasons is None:
            return self.older
        if self.older is not None and not self.is_new:
            return with_card(str(version), self.older, reasons or ())
        facts = self.release.facts
        recipe = {**facts["recipe"], "version": str(version)}
        return changelog(facts | {"recipe": recipe}, self.older or "", reasons or ())


def staging(hub: Hub, release: LocalRelease, remote: Remote, folder: Path) -> Staging:
    """Fetch what the repository says of its splits. Raises `PublishError`, `RunError`."""
    before: dict[str, Facts] = {}
    older: str | None = None
    if remote.head is not None:
        others = [split for split in remote.splits if split != release.split]
        before = facts_at(hub, remote.repo, remote.head, remote.files, others)
        _refuse_changed(remote, before, release.facts)
        if CHANGELOG in remote.files:
            held = remote.files[CHANGELOG]
            log = read_file(hub, remote.repo, remote.head, CHANGELOG, held)
            older = log.decode("utf-8", "replace")
    return Staging(release, remote, before, older, folder)


def _refuse_changed(remote: Remote, others: Mapping[str, Facts], own: Facts) -> None:
    """Refuse to vouch for other splits whose files are not those that they were published with."""
    for name, facts in others.items():
        for fault in changed(remote.files, facts):
            raise PublishError(
                f"{remote.repo} is not as it was published: {fault}, and facts/{name}.json does "
                "not know of it",
                mend=f"Publish the split {name} anew, or take that commit back on the Hub.",
            )
    for path, split in orphans(remote.files, {**others, own["split"]: own}):
        raise PublishError(
            f"{remote.repo} holds {path}, and no facts/{split}.json",
            mend=f"Publish the split {split} anew, or delete its files on the Hub.",
        )
