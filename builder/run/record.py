"""run.json: what a run is made of, so that it can go on and be rebuilt."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path

from builder.errors import RunChangedError, RunError
from builder.recipe.resolve import Source
from builder.run.storage import write_text

FORMAT = 1

PACKAGES = ("magpie-builder", "polars", "pyarrow", "xllamacpp")
"""Packages whose version may shape a row or a release."""


@dataclass(frozen=True)
class RunRecord:
    """The content of run.json.

    `source` says where the recipe came from, so that `magpie filter` can read it anew, and
    `recipe` what it said when last resolved: rules and target may change from one start to the
    next. `shape` is what shaped the rows already sampled, by dotted key (see `Recipe.shape`),
    with the template as it was derived; `fingerprint` is its SHA-256 and names the rows'
    identities. `versions` are those of the process that sampled the first row. `server` is the
    container that last served it, its image pinned by digest, and `preflight` what was found
    before the first row was sampled; None where there was none.
    """

    source: Source
    recipe: Mapping[str, object]
    template: Mapping[str, object]
    shape: Mapping[str, object]
    rows_a_shard: int
    fingerprint: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT
    server: Mapping[str, object] | None = None
    preflight: Mapping[str, object] | None = None


def fingerprint(shape: Mapping[str, object]) -> str:
    """SHA-256, in hex, of a shape in canonical JSON."""
    canonical = json.dumps(shape, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the packages that may shape a row; absent ones are left out."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def write_record(path: Path, record: RunRecord) -> None:
    """Write run.json, atomically. Raises `StorageError`."""
    write_text(path, json.dumps(asdict(record), indent=2, ensure_ascii=False) + "\n")


def read_record(path: Path) -> RunRecord | None:
    """Read run.json; None where there is none yet. Raises `RunError` when it makes no sense."""
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        source = Source(content["source"]["recipe"], tuple(content["source"]["overrides"]))
        record = RunRecord(**content | {"source": source})
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"{path} cannot be read: {error}", mend="Build into another directory: --run DIR"
        ) from error
    if record.format != FORMAT:
        raise RunError(
            f"{path} has format {record.format}; this version reads {FORMAT}",
            mend="Use the version of magpie that made it, or build into another --run DIR.",
        )
    return record


def refuse_change(record: RunRecord, shape: Mapping[str, object], path: Path) -> None:
    """Raise `RunChangedError` when `shape` is not what the rows of a run were sampled from."""
    if record.fingerprint == fingerprint(shape):
        return
    keys = sorted(
        key for key in record.shape.keys() | shape.keys() if record.shape.get(key) != shape.get(key)
    )
    lines = "\n".join(f"  {key}: {record.shape.get(key)!r} -> {shape.get(key)!r}" for key in keys)
    raise RunChangedError(
        f"the rows in {path} were sampled from another recipe; since then changed\n{lines}",
        mend="Build the changed recipe into another directory (--run DIR), or undo the change.",
    )
