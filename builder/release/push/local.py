"""The release on this disk: what it says of itself, and whether that is still so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from builder.errors import UsageError
from builder.release.facts import Facts, read_facts
from builder.release.layout import CARD, CHANGELOG, facts_path, splits_in

_PIECE: Final = 1 << 20
_MAKE_IT: Final = "Make the release anew: magpie filter RUN"


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
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

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
    """Read the release of a run. Raises `UsageError` when it is none, `RunError` for bad facts."""
    splits = splits_in(folder)
    if len(splits) != 1:
        seen = f"the splits {', '.join(splits)}" if splits else "no card with facts"
        raise UsageError(f"{folder} is no release of one split: it has {seen}", mend=_MAKE_IT)
    return LocalRelease(folder, splits[0], read_facts(folder, splits[0]))


def belongs_to(path: str, split: str) -> bool:
    """Tell whether a file of a repository is one of a split's own: others are rendered of all.

    recipe/pro.yaml  facts/pro.json  licenses/pro/...  filtered/pro-00000-of-00001.parquet
    """
    folder, _, name = path.partition("/")
    if folder in ("recipe", "facts"):
        return name in (f"{split}.yaml", f"{split}.json")
    if name.startswith(f"{split}/"):
        return True
    stem = name.removesuffix(".parquet")
    number, of, count = stem.removeprefix(f"{split}-").partition("-of-")
    numbered = all(len(part) == 5 and part.isdecimal() for part in (number, count))
    return stem != name and stem.startswith(f"{split}-") and bool(of) and numbered


def faults(release: LocalRelease) -> Iterator[str]:
    """Yield what is missing from a release, or is not as its facts say; nothing where all is well.

    Parquet files are held against the facts by size, rows and columns.
    """
    wanted = [CARD, CHANGELOG, f"recipe/{release.split}.yaml"]
    yield from (f"{name} is missing" for name in wanted if name not in release.files)
    known: set[str] = {facts_path(Path(), release.split).as_posix()}
    for name, config in release.facts["configs"].items():
        known |= set(config["files"])
        yield from _faults_of(release, name)
    strangers = sorted(
        path
        for path in release.files
        if path.endswith(".parquet") and belongs_to(path, release.split) and path not in known
    )
    yield from (f"{path} is not in the facts" for path in strangers)


def _faults_of(release: LocalRelease, config: str) -> Iterator[str]:
    told = release.facts["configs"][config]
    columns = [column["name"] for column in told["columns"]]
    rows = 0
    for path, size in told["files"].items():
        file = release.folder / path
        if not file.is_file():
            yield f"{path} is missing"
            return
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
