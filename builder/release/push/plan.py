"""What publishing is going to do, before it is done: files, bytes, version, the card's difference.

A plan follows from the release and one commit of the repository. If that commit is the last no more
when the plan is carried out, the Hub refuses the commit, and there is a new plan.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from builder.errors import UsageError
from builder.release.facts import Facts
from builder.release.layout import CARD
from builder.release.push.bump import Change, Data, bump_of, changes
from builder.release.push.hub import Hub
from builder.release.push.identities import Moved, local_rows, moved, remote_rows
from builder.release.push.local import Content, LocalRelease
from builder.release.push.ready import check_limits
from builder.release.push.remote import Remote, Tree, read_file, read_tree, splits_of
from builder.release.push.staged import Staged, Staging
from builder.release.push.version import FIRST, Version, read_version, title_of
from builder.release.push.whole import facts_at


@dataclass(frozen=True)
class Plan:
    """What is to be done to a repository whose last commit is `parent` (None: there is none).

    `holds` is a commit that has all of it already: nothing is sent then. `reasons` say in words
    why the version is the one it is. `card` is a unified diff, a line each.
    """

    repo: str
    split: str
    rows: int
    parent: str | None
    private: bool
    version: Version
    reasons: tuple[str, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]
    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    bytes: int
    card: tuple[str, ...]
    holds: str | None = None

    @property
    def title(self) -> str:
        """Title of the commit: it tells the version before there is a tag."""
        return title_of(self.version, f"split {self.split}, {self.rows:,} rows")

    @property
    def sent(self) -> tuple[str, ...]:
        """Files that the commit brings."""
        return tuple(sorted((*self.added, *self.changed)))

    def to_json(self) -> dict[str, Any]:
        """All of it, for `--json`."""
        lists = ("added", "changed", "deleted", "kept", "reasons", "card")
        told = {name: list(getattr(self, name)) for name in lists}
        plain = ("repo", "split", "rows", "parent", "private", "bytes", "holds")
        return {name: getattr(self, name) for name in plain} | {"version": str(self.version)} | told


@dataclass(frozen=True)
class Drawn:
    """A plan with the files that it is about; the rendered ones last as long as their folder."""

    plan: Plan
    staged: Staged
    remote: Remote
    facts: Mapping[str, Facts]


@dataclass(frozen=True)
class Planner:
    """Makes the plan for one release and one repository as it was read."""

    hub: Hub
    release: LocalRelease
    remote: Remote
    staging: Staging

    def plan(self, asked: str | None, private: bool | None) -> Drawn:
        """Return the plan. `asked` is the version that a person wants, if any.

        Raises `UsageError` for a version that cannot be, `PublishError` for what the Hub refuses.
        """
        wish = None if asked is None else read_version(asked)
        versions = self.remote.versions
        if not versions:
            version = _not_below(wish, FIRST, "the first release")
            return self._drawn(version, ("first release",), private)
        last = max(versions)
        commit = versions[last]
        tree = self.remote.files if commit == self.remote.head else self._tree(commit)
        as_it_is = self.staging.staged(last, None)
        if all(as_it_is.is_in(one, self.release.split) for one in (tree, self.remote.files)):
            return self._held(last, commit, as_it_is, wish)
        self._tell_of_edits(last, tree)
        found = self._changes(commit, tree)
        reasons = tuple(change.words for change in found) or (self._without_data(),)
        version = _not_below(wish, last.next(bump_of(found)), reasons[0])
        return self._drawn(version, reasons, private)

    def _tell_of_edits(self, last: Version, tree: Tree) -> None:
        """Say that a card which somebody edited by hand goes; the history keeps it."""
        now = self.remote.files.get(CARD)
        if now is not None and CARD in tree and now != tree[CARD]:
            self.hub.watch.tell(f"{CARD} was edited since {last.tag}; it is rendered anew")

    def _held(self, version: Version, commit: str, staged: Staged, wish: Version | None) -> Drawn:
        """Nothing has to be sent, whatever version was wished for."""
        other = () if wish in (None, version) else (f"so there is no {wish}",)
        plan = self._plan(version, ("nothing is different", *other), staged)
        return Drawn(replace(plan, holds=commit), staged, self.remote, self.staging.facts)

    def _drawn(self, version: Version, reasons: tuple[str, ...], private: bool | None) -> Drawn:
        staged = self.staging.staged(version, reasons)
        plan = self._plan(version, reasons, staged)
        operations = len(plan.sent) + len(plan.deleted)
        check_limits([*plan.kept, *plan.sent], operations)
        if self.remote.head is None:
            plan = replace(plan, private=bool(private))
        return Drawn(plan, staged, self.remote, self.staging.facts)

    def _plan(self, version: Version, reasons: tuple[str, ...], staged: Staged) -> Plan:
        tree, split = self.remote.files, self.release.split
        other = sorted(path for path in staged.files if staged.differs_from(path, tree))
        deleted = staged.left_over(tree, split)
        return Plan(
            repo=self.remote.repo,
            split=split,
            rows=self.release.rows,
            parent=self.remote.head,
            private=self.remote.private,
            version=version,
            reasons=reasons,
            added=tuple(path for path in other if path not in tree),
            changed=tuple(path for path in other if path in tree),
            deleted=tuple(deleted),
            kept=tuple(sorted(set(tree) - set(other) - set(deleted))),
            bytes=self._bytes([staged.files[path] for path in other]),
            card=tuple(self._card_difference(staged)),
        )

    def _bytes(self, contents: Sequence[Content]) -> int:
        """Bytes to send at most: what the repository has under another name is not sent again."""
        there = {held.sha256 for held in self.remote.files.values() if held.sha256}
        unique = {content.sha256: content.size for content in contents}
        return sum(size for sha256, size in unique.items() if sha256 not in there)

    def _card_difference(self, staged: Staged) -> Iterator[str]:
        held, head, old = self.remote.files.get(CARD), self.remote.head, ""
        if head is not None and held is not None and staged.differs_from(CARD, self.remote.files):
            old = read_file(self.hub, self.remote.repo, head, CARD, held).decode("utf-8", "replace")
        elif held is not None:
            return
        names = f"{CARD} on the Hub", CARD
        lines = old.splitlines(), staged.card.splitlines()
        yield from difflib.unified_diff(*lines, *names, n=2, lineterm="")

    def _without_data(self) -> str:
        return "the same data, told anew" if self.staging.is_new else "only the card"

    def _tree(self, commit: str) -> Tree:
        return read_tree(self.hub, self.remote.repo, commit)

    def _changes(self, commit: str, tree: Tree) -> list[Change]:
        repo, split = self.remote.repo, self.release.split
        known = self.staging.before if commit == self.remote.head else {}
        unread = [name for name in splits_of(tree) if name not in known]
        before = {**known, **facts_at(self.hub, repo, commit, tree, unread)}
        old = Data(before, _sums(tree))
        own = {path: content.sha256 for path, content in self.staging.own.items()}
        new = Data(self.staging.facts, _sums(self.remote.files) | own)

        def compare(name: str, config: str) -> Moved:
            before, now = (
                sorted(data.facts[name]["configs"][config]["files"]) for data in (old, new)
            )
            there = [path for path in before if path in tree]
            rows = remote_rows(self.hub, repo, commit, there)
            if name == split:
                return moved(rows, local_rows(self.release.folder, now))
            return moved(rows, remote_rows(self.hub, repo, str(self.remote.head), now))

        return changes(old, new, compare)


def _sums(tree: Tree) -> dict[str, str]:
    return {path: held.sha256 or held.blob for path, held in tree.items()}


def _not_below(wish: Version | None, computed: Version, why: str) -> Version:
    if wish is not None and wish < computed:
        raise UsageError(
            f"--version {wish} is too low: the content asks for {computed} ({why})",
            mend=f"Leave --version out, or give {computed} or more.",
        )
    return wish or computed
