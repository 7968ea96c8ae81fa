"""Load a published configuration as its readers do, and say what came: a process of its own.

    python -m builder.release.push.loaded ORG/NAME REVISION CONFIG < {"pro": ["uuid", ...], ...}

`load_dataset` falls back to an older copy in its cache without a word, and offline it takes any
revision for one that it has. So HF_HOME has to be an empty folder, which is known at import only.
stdin gives the columns of each split, stdout gets
`{"pro": {"rows": 3, "columns": [...], "digest": "..."}, ...}`.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from builder.release.push.digest import BATCH, digest


def load(repo: str, revision: str, config: str, wanted: Mapping[str, Sequence[str]]) -> Any:
    """Return rows, columns and the digest of the wanted columns of each split that came.

    Columns that another split has and this one lacks have to be null all over; one that is not
    goes into the digest.
    """
    datasets = importlib.import_module("datasets")  # it ships no types
    datasets.disable_progress_bars()
    found = datasets.load_dataset(repo, config, revision=revision)
    told = {}
    for split, rows in found.items():
        columns = [*wanted.get(split, [])]
        extra = [name for name in rows.column_names if name not in columns]
        columns += [name for name in extra if rows.data[name].null_count < rows.num_rows]
        tables = rows.with_format("arrow").iter(BATCH)
        told[split] = {
            "rows": rows.num_rows,
            "columns": rows.column_names,
            "digest": digest(tables, columns) if set(columns) <= set(rows.column_names) else None,
        }
    return told


def main() -> None:
    """Read the arguments, load, print."""
    repo, revision, config = sys.argv[1:]
    json.dump(load(repo, revision, config, json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
