"""Arguments that several commands take."""

from __future__ import annotations

from pathlib import Path

import click

from builder.errors import RunError
from builder.run.directory import RUNS, RunDirectory

set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of the recipe, such as response.max_tokens=256. Repeatable.",
)


def run_argument(path: str) -> RunDirectory:
    """The run that a person means: a directory, or the name of one in `runs/`.

    Raises `RunError` when there is none.
    """
    for candidate in (Path(path), RUNS / path):
        if (candidate / "run.json").is_file():
            return RunDirectory(candidate)
    there = sorted(entry.parent.name for entry in RUNS.glob("*/run.json"))
    known = f"Runs in {RUNS}/: {', '.join(there)}." if there else "`magpie build demo` makes one."
    raise RunError(f"there is no run {path!r}: no run.json in it", mend=known)
