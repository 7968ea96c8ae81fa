"""CHANGELOG.md: a section for each version of each split, the newest in front, no dates.

## pro 1.2.0       rows of a split came, went or changed
## card 1.2.1      the rows are the same: the card was rendered anew

A section is written once, from the facts of its version, and then kept as it stands: the facts
of an older version are no longer there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from builder.release.facts import Facts

_TITLE: Final = "# Changelog\n"
_HEADING: Final = re.compile(r"^## ", re.MULTILINE)


def section(facts: Facts, reasons: Sequence[str] = ()) -> str:
    """Return the section of one version: how many rows of what, and why the others went.

    `reasons` say what is another than in the version before.
    """
    funnel, model, recipe = facts["funnel"], facts["model"], facts["recipe"]
    dropped = [f"{step['reason']} {step['rows']:,}" for step in funnel["dropped"] if step["rows"]]
    source = facts.get("source")
    came = f"taken from {source['dataset']}" if source else "sampled"
    revision = "" if source else f", revision {model['revision']}"
    lines = [
        f"## {facts['split']} {recipe['version']}",
        "",
        *(f"- {reason}" for reason in reasons),
        f"- {funnel['rows']:,} rows {came}, {funnel['kept']:,} kept",
        f"- dropped: {', '.join(dropped) or 'none'}",
        f"- recipe {recipe['name']}, model {model['id']}{revision}",
    ]
    return "\n".join(lines) + "\n"


def changelog(facts: Facts, older: str = "", reasons: Sequence[str] = ()) -> str:
    """Return the changelog with the section of `facts` in front of those of an older one.

    A section of the same split and version is replaced: that version was made anew.
    """
    new = section(facts, reasons)
    heading = new.partition("\n")[0]
    kept = [old for old in _sections(older) if old.partition("\n")[0] != heading]
    return "\n".join([_TITLE, new, *kept])


def with_card(version: str, older: str, reasons: Sequence[str]) -> str:
    """Return the changelog of a version that brings no rows, unless it tells of it already."""
    sections = _sections(older)
    if any(old.partition("\n")[0].endswith(f" {version}") for old in sections):
        return older
    lines = [f"## card {version}", "", *(f"- {reason}" for reason in reasons)]
    return "\n".join([_TITLE, "\n".join(lines) + "\n", *sections])


def _sections(text: str) -> list[str]:
    parts = _HEADING.split(text)[1:]
    return [f"## {part.rstrip()}\n" for part in parts]
