"""The files of a release as they are to stand in a repository that may hold other splits.

A split's own files go as they lie on this disk, byte for byte. What speaks of all splits, the card
and what is rendered beside it, is made anew from the facts of every split that is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.errors import RunError
from builder.release.card import write_card
from builder.release.changelog import changelog
from builder.release.facts import FORMAT, Facts, facts_text
from builder.release.layout import CARD, CHANGELOG, facts_path
from builder.release.push.hub import Hub
from builder.release.push.local import Content, LocalRelease, belongs_to
from builder.release.push.remote import Remote, Tree, read_file, splits_of


@dataclass(frozen=True)
class Staged:
    """What is to stand in the repository: content by path, and the facts of all splits."""

    files: Mapping[str, Content]
    facts: Mapping[str, Facts]

    @property
    def card(self) -> str:
        """The card's text."""
        return self.files[CARD].path.read_text(encoding="utf-8")


def stage(hub: Hub, release: LocalRelease, remote: Remote, folder: Path) -> Staged:
    """Render what speaks of all splits into an empty `folder`. Raises `PublishError`, `RunError`."""
    own = {
        path: Content(file)
        for path, file in release.files.items()
        if belongs_to(path, release.split)
    }
    others = {} if remote.head is None else facts_at(hub, remote.repo, remote.head, remote.files)
    facts = {**others, release.split: release.facts}
    for split, told in facts.items():
        path = facts_path(folder, split)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(facts_text(told | {"repo": remote.repo}), encoding="utf-8")
    log = _changelog(hub, release, remote, _is_new(own, remote.files))
    (folder / CHANGELOG).write_text(log, encoding="utf-8", newline="")
    write_card(folder)
    rendered = {
        path.relative_to(folder).as_posix(): Content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != "facts"
    }
    beside = {path: Content(file) for path, file in release.files.items() if path not in own}
    return Staged({**beside, **rendered, **own}, facts)


def facts_at(hub: Hub, repo: str, commit: str, tree: Tree) -> dict[str, Facts]:
    """Return the facts of all splits of a commit. Raises `PublishError`, `RunError`."""
    return {split: _facts_at(hub, repo, commit, tree, split) for split in splits_of(tree)}


def _facts_at(hub: Hub, repo: str, commit: str, tree: Tree, split: str) -> Facts:
    path = facts_path(Path(), split).as_posix()
    try:
        facts: Facts = json.loads(read_file(hub, repo, commit, path, tree[path]))
        seen = facts["format"]
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"{path} of {repo} makes no sense: {error}", mend=f"Publish the split {split} anew."
        ) from error
    if seen != FORMAT:
        raise RunError(
            f"{path} of {repo} has format {seen}; this version of magpie reads {FORMAT}",
            mend="Use the version of magpie that made it.",
        )
    return facts


def _is_new(own: Mapping[str, Content], tree: Tree) -> bool:
    return not all(path in tree and tree[path].is_same(content) for path, content in own.items())


def _changelog(hub: Hub, release: LocalRelease, remote: Remote, new: bool) -> str:
    """Return the changelog: with a section more where the split is another, else as it stands."""
    held = remote.files.get(CHANGELOG)
    if held is None or remote.head is None:
        return changelog(release.facts)
    older = read_file(hub, remote.repo, remote.head, CHANGELOG, held).decode("utf-8", "replace")
    return changelog(release.facts, older) if new else older
