"""CHANGELOG.md: a section for each version of each split, the newest in front, no dates.

A section is written once, from the facts of its version, and then kept as it stands: the facts
of an older version are no longer there.
"""

from __future__ import annotations

import re
from typing import Final

from builder.release.facts import Facts

_TITLE: Final = "# Changelog\n"
_HEADING: Final = re.compile(r"^## ", re.MULTILINE)


def section(facts: Facts) -> str:
    """Return the section of one version: how many rows of what, and why the others went."""
    funnel, model, recipe = facts["funnel"], facts["model"], facts["recipe"]
    dropped = [f"{step['reason']} {step['rows']:,}" for step in funnel["dropped"] if step["rows"]]
    source = facts.get("source")
    came = f"taken from {source['dataset']}" if source else "sampled"
    revision = "" if source else f", revision {model['revision']}"
    lines = [
        f"## {facts['split']} {recipe['version']}",
        "",
        f"- {funnel['rows']:,} rows {came}, {funnel['kept']:,} kept",
        f"- dropped: {', '.join(dropped) or 'none'}",
        f"- recipe {recipe['name']}, model {model['id']}{revision}",
    ]
    return "\n".join(lines) + "\n"


def changelog(facts: Facts, older: str = "") -> str:
    """Return the changelog with the section of `facts` in front of those of an older one.

    A section of the same split and version is replaced: that version was made anew.
    """
    new = section(facts)
    heading = new.partition("\n")[0]
    kept = [old for old in _sections(older) if old.partition("\n")[0] != heading]
    return "\n".join([_TITLE, new, *kept])


def _sections(text: str) -> list[str]:
    parts = _HEADING.split(text)[1:]
    return [f"## {part.rstrip()}\n" for part in parts]
