"""Whether a commit holds whole releases: the facts of its splits, and every file that they name."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from builder.errors import RunError
from builder.release.checksums import FILES, ITSELF, own_sum
from builder.release.facts import FORMAT, Facts
from builder.release.layout import CARD, CHANGELOG, facts_path
from builder.release.push.hub import Hub
from builder.release.push.local import split_of_parquet
from builder.release.push.remote import Tree, read_file, read_tree, splits_of
from builder.release.push.version import Version


def facts_at(
    hub: Hub, repo: str, commit: str, tree: Tree, splits: Sequence[str]
) -> dict[str, Facts]:
    """Return the facts of splits of a commit.

    Raises `RunError` where they are not as they were written, `PublishError`.
    """
    return {split: _facts_at(hub, repo, commit, tree, split) for split in splits}


def _facts_at(hub: Hub, repo: str, commit: str, tree: Tree, split: str) -> Facts:
    path = facts_path(Path(), split).as_posix()
    anew = f"Publish the split {split} anew, or take that commit back on the Hub."
    try:
        facts: Facts = json.loads(read_file(hub, repo, commit, path, tree[path]))
        seen = facts["format"]
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path} of {repo} makes no sense: {error}", mend=anew) from error
    if seen != FORMAT:
        raise RunError(
            f"{path} of {repo} has format {seen}; this version of magpie reads {FORMAT}",
            mend="Use the version of magpie that made it.",
        )
    if facts.get(ITSELF) != own_sum(facts):
        raise RunError(
            f"{path} of {repo} is not as it was written: its own checksum is another", mend=anew
        )
    return facts


def changed(tree: Tree, facts: Facts) -> Iterator[str]:
    """Yield the files of a split that are gone, or not those that its facts were written with.

    Files in LFS are compared, all Parquet among them: of smaller ones git knows another checksum.
    """
    sums: Mapping[str, str] = facts[FILES]
    for path, sha256 in sums.items():
        held = tree.get(path)
        if held is None:
            yield f"{path} is gone"
        elif held.sha256 not in (None, sha256):
            yield f"{path} has other bytes"


def orphans(tree: Tree, facts: Mapping[str, Facts]) -> Iterator[tuple[str, str]]:
    """Yield the Parquet files, with their split, that no facts know; `facts` are by split."""
    configs = {config for one in facts.values() for config in one["configs"]}
    for path in tree:
        split = split_of_parquet(path)
        if split is not None and split not in facts and path.partition("/")[0] in configs:
            yield path, split


def is_release(hub: Hub, repo: str, commit: str, version: Version) -> bool:
    """Tell whether a commit is a version that we made, whole: every file of every split is there
    with its checksum, and the changelog tells of the version. Raises `PublishError`.
    """
    tree = read_tree(hub, repo, commit)
    if not splits_of(tree) or not {CARD, CHANGELOG} <= tree.keys():
        return False
    log = read_file(hub, repo, commit, CHANGELOG, tree[CHANGELOG]).decode("utf-8", "replace")
    if not re.search(rf"^## \S+ {re.escape(str(version))}$", log, re.MULTILINE):
        return False
    try:
        splits = facts_at(hub, repo, commit, tree, splits_of(tree))
    except RunError:
        return False
    return not any(orphans(tree, splits)) and not any(
        any(changed(tree, facts)) or _small_ones_changed(hub, repo, commit, tree, facts)
        for facts in splits.values()
    )


def _small_ones_changed(hub: Hub, repo: str, commit: str, tree: Tree, facts: Facts) -> bool:
    """Compare what lies in git itself, byte for byte."""
    small = {path: sha256 for path, sha256 in facts[FILES].items() if tree[path].sha256 is None}
    return any(
        hashlib.sha256(read_file(hub, repo, commit, path, tree[path])).hexdigest() != sha256
        for path, sha256 in small.items()
    )
