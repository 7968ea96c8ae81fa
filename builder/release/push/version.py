"""Semantic versions of a repository: `v1.2.3` as a tag, told in a commit's title before that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from builder.errors import UsageError

_NUMBERS: Final = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
_VERSION: Final = re.compile(_NUMBERS)
_TAG: Final = re.compile(f"v{_NUMBERS}")
_TITLE: Final = re.compile(f"Release v{_NUMBERS}: ")


class Bump(IntEnum):
    """How far a version moves. The rule is in `bump`."""

    PATCH = 0
    MINOR = 1
    MAJOR = 2


@dataclass(frozen=True, order=True)
class Version:
    """Three numbers, compared as such."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def tag(self) -> str:
        """`v1.2.3`."""
        return f"v{self}"

    def next(self, bump: Bump) -> Version:
        """Return the version after this one: 1.2.3 -> 1.3.0 for `Bump.MINOR`."""
        if bump is Bump.MAJOR:
            return Version(self.major + 1, 0, 0)
        if bump is Bump.MINOR:
            return Version(self.major, self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch + 1)


FIRST: Final = Version(1, 0, 0)
"""Version of the first release of a repository."""


def read_version(text: str) -> Version:
    """Read what a person gives, `1.2.3` or `v1.2.3`. Raises `UsageError`."""
    found = _VERSION.fullmatch(text.removeprefix("v"))
    if found is None:
        raise UsageError(
            f"--version {text} is no version", mend="Give three numbers: --version 1.2.0"
        )
    return _of(found)


def version_of_tag(tag: str) -> Version | None:
    """Return the version of a tag `v1.2.3`; None for a tag that is none of ours."""
    found = _TAG.fullmatch(tag)
    return _of(found) if found else None


def version_of_title(title: str) -> Version | None:
    """Return the version that a commit of ours was made for: its tag may not stand yet."""
    found = _TITLE.match(title)
    return _of(found) if found else None


def title_of(version: Version, what: str) -> str:
    """Return a commit's title: `Release v1.2.0: split pro, 300,000 rows`."""
    return f"Release {version.tag}: {what}"


def _of(found: re.Match[str]) -> Version:
    return Version(*(int(number) for number in found.groups()))
