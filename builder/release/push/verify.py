"""Read a release back as its readers will: only then it is published.

Every configuration is loaded with `load_dataset` by its tag, with an empty cache, in a process of
its own. Rows, columns and a digest of the run's split have to be those of the run's Parquet; of the
other splits, rows and columns those of their facts. What was fetched is hashed, for the client does
not do it: a file in its cache is called by the SHA-256 that it should have.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from builder.errors import UnavailableError
from builder.release.facts import Facts
from builder.release.push.digest import digest, parquet_tables
from builder.release.push.fresh import Wanted, load_fresh
from builder.release.push.hub import AGAIN, Hub
from builder.release.push.local import LocalRelease
from builder.release.push.plan import Plan
from builder.release.push.refusals import PublishError

AllFacts = Mapping[str, Facts]
"""The facts of every split that the repository holds, by name."""

SCRATCH: Final = ".publishing."
"""How folders begin that a release is rendered, or read back, into."""

TRIES: Final = 3
"""A download may break, or bring a flipped bit: it is that which is tried again."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def read_back(
    hub: Hub, plan: Plan, release: LocalRelease, facts: AllFacts, scratch: Path
) -> dict[str, dict[str, int]]:
    """Load every configuration and compare; return its rows: `{"filtered": {"pro": 3}, ...}`.

    `scratch` is a folder with room for one configuration. Raises `PublishError`.
    """
    hub.watch.state = f"{plan.repo} holds {plan.version.tag}; it was not yet read back"
    configs = sorted({name for one in facts.values() for name in one["configs"]})
    found = {}
    for config in configs:
        hub.watch.tell(f"Reading {config} back")
        found[config] = _read_config(hub, plan, config, _Expected(release, facts, config), scratch)
    return found


def sweep(scratch: Path) -> None:
    """Remove what a killed process left of publishing."""
    for left in scratch.glob(f"{SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)


class _Expected:
    """What a configuration has to bring."""

    def __init__(self, release: LocalRelease, facts: AllFacts, config: str) -> None:
        told = {
            split: one["configs"][config]
            for split, one in facts.items()
            if config in one["configs"]
        }
        self.rows = {split: one["rows"] for split, one in told.items()}
        self.bytes = sum(one["bytes"] for one in told.values())
        self.columns = {
            split: [column["name"] for column in one["columns"]] for split, one in told.items()
        }
        self.digests: dict[str, str] = {}
        if release.split in told:
            files = [release.folder / path for path in release.parquet(config)]
            columns = self.columns[release.split]
            self.digests[release.split] = digest(parquet_tables(files), columns)

    def faults(self, found: Mapping[str, Any]) -> Iterator[str]:
        """Yield what came otherwise."""
        if found.keys() != self.rows.keys():
            yield f"the splits are {', '.join(found)}, not {', '.join(self.rows)}"
            return
        for split, one in found.items():
            if one["rows"] != self.rows[split]:
                yield f"{split} has {one['rows']:,} rows, not {self.rows[split]:,}"
            elif not set(self.columns[split]) <= set(one["columns"]):
                yield f"{split} lacks columns"
            elif split in self.digests and one["digest"] != self.digests[split]:
                yield f"{split} has rows that are not those of the run"


def _read_config(
    hub: Hub, plan: Plan, config: str, expected: _Expected, scratch: Path
) -> dict[str, int]:
    faults: list[str] = []
    tag = plan.version.tag
    wanted = Wanted(plan.repo, tag, config, expected.columns, expected.bytes)
    for number in range(TRIES):
        try:
            with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=scratch) as home:
                found = load_fresh(hub, wanted, Path(home))
                faults = [*expected.faults(found), *_flipped(Path(home))]
        except UnavailableError as error:
            faults = [error.message]
        if not faults:
            return {split: one["rows"] for split, one in found.items()}
        if number < TRIES - 1:
            hub.watch.tell(f"{config} came otherwise ({faults[0]}); loading it again")
    raise PublishError(
        f"{tag} stands on {plan.repo}, and {config} does not read back: {faults[0]}",
        mend=f"{AGAIN} If it stays, publish the split anew: a tag is never moved.",
    )


def _flipped(home: Path) -> Iterator[str]:
    """Yield the fetched files whose bytes are not what they are called by."""
    for path in sorted((home / "hub").glob("*/blobs/*")):
        if _SHA256.fullmatch(path.name):
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != path.name:
                    yield f"a file came with other bytes than {path.name[:12]}"
