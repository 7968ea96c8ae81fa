"""The release on this disk: what it says of itself, and whether that is still so."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from builder.errors import RunError, UsageError
from builder.release.checksums import FILES, ITSELF, own_sum, sha256_of
from builder.release.facts import Facts, read_facts
from builder.release.layout import CARD, CHANGELOG, facts_path, splits_in

_PIECE: Final = 1 << 20
_MAKE_IT: Final = "Make it anew: magpie filter RUN"


@dataclass(frozen=True)
class Content:
    """A file's bytes as the Hub names them: SHA-256 in LFS, the blob's SHA-1 in git."""

    path: Path

    @cached_property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    @cached_property
    def sha256(self) -> str:
        """SHA-256, in hex."""
        return sha256_of(self.path)

    @cached_property
    def blob(self) -> str:
        """SHA-1 of the blob that git makes of it, in hex (`git hash-object`)."""
        digest = hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)
        with self.path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
        return digest.hexdigest()


@dataclass(frozen=True)
class LocalRelease:
    """A release of one split."""

    folder: Path
    split: str
    facts: Facts

    @property
    def repo(self) -> str | None:
        """Repository that the recipe names."""
        found: str | None = self.facts["repo"]
        return found

    @property
    def rows(self) -> int:
        """Rows of the configuration that readers get without naming one."""
        return int(self.facts["configs"][self.facts["default_config"]]["rows"])

    def parquet(self, config: str) -> list[str]:
        """Return the Parquet files of a configuration, in the order of their rows."""
        return sorted(self.facts["configs"][config]["files"])

    @cached_property
    def contents(self) -> dict[str, Content]:
        """The same files with their checksums; each is read once."""
        return {name: Content(path) for name, path in self.files.items()}

    @cached_property
    def files(self) -> dict[str, Path]:
        """All files but hidden ones, by their path in the repository."""
        found = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        named = ((path.relative_to(self.folder), path) for path in found)
        return {
            name.as_posix(): path
            for name, path in named
            if not any(part.startswith(".") for part in name.parts)
        }


def read_release(folder: Path) -> LocalRelease:
    """Read the release of a run. Raises `UsageError` when it is none, `RunError` for facts that
    are not as they were written.
    """
    splits = splits_in(folder)
    if len(splits) != 1:
        seen = f"the splits {', '.join(splits)}" if splits else "no card with facts"
        raise UsageError(f"{folder} is no release of one split: it has {seen}", mend=_MAKE_IT)
    try:
        facts = read_facts(folder, splits[0])
    except RunError as error:
        raise RunError(error.message, mend=_MAKE_IT) from error
    if facts.get(ITSELF) != own_sum(facts):
        seen = "its own checksum is another" if ITSELF in facts else "it has no checksum of itself"
        path = facts_path(folder, splits[0])
        raise RunError(f"{path} is not as it was written: {seen}", mend=_MAKE_IT)
    return LocalRelease(folder, splits[0], facts)


def belongs_to(path: str, split: str) -> bool:
    """Tell whether a file of a repository is one of a split's own: others are rendered of all.

    recipe/pro.yaml  facts/pro.json  licenses/pro/...  filtered/pro-00000-of-00001.parquet
    """
    folder, _, name = path.partition("/")
    if folder in ("recipe", "facts"):
        return name in (f"{split}.yaml", f"{split}.json")
    return name.startswith(f"{split}/") or split_of_parquet(path) == split


_PARQUET: Final = re.compile(r"[^/]+/([^/]+)-[0-9]{5}-of-[0-9]{5}\.parquet")


def split_of_parquet(path: str) -> str | None:
    """Return the split of a Parquet file, by its name; None for any other file."""
    found = _PARQUET.fullmatch(path)
    return found[1] if found else None


def faults(release: LocalRelease) -> Iterator[str]:
    """Yield what is missing from a release, or is not as its facts say; nothing where all is well.

    Every file of the split is held against the checksum in the facts; Parquet also by size, rows
    and columns.
    """
    sums: Mapping[str, str] = release.facts[FILES]
    yield from (
        f"{name} is missing" for name in (CARD, CHANGELOG, *sums) if name not in release.files
    )
    known = {facts_path(Path(), release.split).as_posix(), *sums}
    own = (path for path in release.files if belongs_to(path, release.split))
    yield from (f"{path} is not in the facts" for path in own if path not in known)
    for name in release.facts["configs"]:
        yield from _faults_of(release, name)
    yield from _flipped(release, sums)


def faults_told(release: LocalRelease) -> str | None:
    """Return the first of its faults in a line; None for a release that is whole and as written."""
    wrong = [*faults(release)]
    if not wrong:
        return None
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"{'; '.join(wrong[:3])}{more}. {_MAKE_IT}"


def _flipped(release: LocalRelease, sums: Mapping[str, str]) -> Iterator[str]:
    """Yield the files whose bytes are others than those that were written.

    Those that are missing or of another length are told of elsewhere.
    """
    sizes: dict[str, int] = {}
    for told in release.facts["configs"].values():
        sizes |= told["files"]
    for path, sha256 in sums.items():
        content = release.contents.get(path)
        if content is None or content.size != sizes.get(path, content.size):
            continue
        if content.sha256 != sha256:
            yield f"{path} has other bytes than were written"


def _faults_of(release: LocalRelease, config: str) -> Iterator[str]:
    told = release.facts["configs"][config]
    columns = [column["name"] for column in told["columns"]]
    rows = 0
    for path, size in told["files"].items():
        file = release.folder / path
        if not file.is_file():
            return  # told already
        if file.stat().st_size != size:
            yield f"{path} has {file.stat().st_size:,} bytes, and its facts say {size:,}"
            return
        try:
            head = pq.read_metadata(file)
        except (OSError, pa.ArrowException) as error:
            yield f"{path} cannot be read: {str(error).splitlines()[0]}"
            return
        rows += head.num_rows
        if head.schema.to_arrow_schema().names != columns:
            yield f"{path} has other columns than its facts say"
    if rows != told["rows"]:
        yield f"{config} has {rows:,} rows, and its facts say {told['rows']:,}"
