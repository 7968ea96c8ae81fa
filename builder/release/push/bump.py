"""How far a change moves the version of a repository, computed from its content.

    major   a split, a configuration, a column or a row is gone, or a column is another
    minor   there are more splits, configurations or rows, or rows hold other values
    patch   the data is the same: the card, plots, facts

A split's uuids follow from all that shapes its rows, so rows that were sampled anew are other rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.release.facts import Facts
from builder.release.push.identities import Moved
from builder.release.push.version import Bump

Sums = Mapping[str, str]
"""Path -> checksum: whatever is equal for equal bytes alone."""


@dataclass(frozen=True)
class Data:
    """What a version holds: the facts of each split by name, and checksums of its files."""

    facts: Mapping[str, Facts] = field(default_factory=dict)
    sums: Sums = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One thing that is another than before, in words."""

    bump: Bump
    words: str


Compare = Callable[[str, str], Moved]
"""(split, configuration) -> the rows that came and went. It may have to read both versions."""


def changes(old: Data, new: Data, compare: Compare) -> list[Change]:
    """Return what is different in the data, the weightiest in front; nothing for equal data."""
    found = [*_splits(old, new)]
    for split in sorted(old.facts.keys() & new.facts.keys()):
        found += _configs(split, old, new, compare)
    return sorted(found, key=lambda change: -change.bump)


def bump_of(found: Sequence[Change]) -> Bump:
    """Return how far the version moves. Without any change of data it is the card's affair."""
    return max((change.bump for change in found), default=Bump.PATCH)


def _splits(old: Data, new: Data) -> Iterator[Change]:
    for split in sorted(old.facts.keys() - new.facts.keys()):
        yield Change(Bump.MAJOR, f"the split {split} is gone")
    for split in sorted(new.facts.keys() - old.facts.keys()):
        yield Change(Bump.MINOR, f"new split {split}")


def _configs(split: str, old: Data, new: Data, compare: Compare) -> Iterator[Change]:
    before, after = (data.facts[split]["configs"] for data in (old, new))
    for name in sorted(before.keys() - after.keys()):
        yield Change(Bump.MAJOR, f"{split}: the configuration {name} is gone")
    for name in sorted(after.keys() - before.keys()):
        yield Change(Bump.MINOR, f"{split}: new configuration {name}")
    for name in sorted(before.keys() & after.keys()):
        where = f"{split}, {name}"
        columns = [*_columns(where, before[name], after[name])]
        yield from columns
        if not columns and _bytes(before[name], old.sums) != _bytes(after[name], new.sums):
            yield _rows(where, before[name]["rows"], after[name]["rows"], compare(split, name))


def _columns(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    old, new = ({one["name"]: one["type"] for one in told["columns"]} for told in (before, after))
    gone, more = (
        [name for name in old if name not in new],
        [name for name in new if name not in old],
    )
    other = [name for name in old if name in new and old[name] != new[name]]
    for names, word in ((gone, "gone"), (more, "new"), (other, "of another type")):
        if names:
            yield Change(Bump.MAJOR, f"{where}: columns {word}: {', '.join(names)}")
    if not (gone or more or other) and list(old) != list(new):
        yield Change(Bump.MAJOR, f"{where}: columns in another order")


def _bytes(told: Mapping[str, Any], sums: Sums) -> list[str | None]:
    return [sums.get(path) for path in sorted(told["files"])]


def _rows(where: str, before: int, after: int, moved: Moved) -> Change:
    if moved.removed:
        words = f"{_number(moved.removed)} gone, {moved.added:,} new"
        return Change(Bump.MAJOR, f"{where}: {words} ({before:,} -> {after:,})")
    if moved.added:
        return Change(Bump.MINOR, f"{where}: {_number(moved.added)} more ({before:,} -> {after:,})")
    return Change(Bump.MINOR, f"{where}: the same {_number(after)} with other values")


def _number(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"
