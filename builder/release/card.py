"""The data-set card: README.md, rendered from the facts of every split that a release holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from builder.errors import UsageError
from builder.release.facts import Facts, read_facts
from builder.release.front_matter import configs_of, front_matter, repo_of, title_of
from builder.release.layout import CARD, RAW
from builder.release.licensing import licenses_of
from builder.release.plots.drawing import draw_together, told_together
from builder.release.samples import SHOWN
from builder.release.templates import render
from builder.run.storage import write_text

__all__ = ["front_matter", "render_card", "write_card"]

TEMPLATE: Final = "card.md.j2"
"""The template of a recipe that names none."""

WIDEST: Final = 10_000
"""Columns after which YAML may break a line: the longest value is an address or a name."""


def write_card(folder: Path, version: str | None = None) -> None:
    """Render the card of a release from its facts, over the one that stands, and its plots.

    `version` is the tag that readers are told to ask for. Raises `UsageError` when there are no
    facts or no such template, `RunError` when facts make no sense, and `StorageError` when the
    disk refuses.
    """
    names = sorted(path.stem for path in (folder / "facts").glob("*.json"))
    if not names:
        raise UsageError(
            f"{folder} is no release: it has no facts",
            mend="Finish the run first: `magpie build` on the same run directory.",
        )
    splits = [read_facts(folder, name) for name in names]
    draw_together(folder, splits)
    write_text(folder / CARD, render_card(splits, version))


def render_card(splits: Sequence[Facts], version: str | None = None) -> str:
    """Return the card of these splits: YAML front matter, then Markdown."""
    configs = configs_of(splits)
    context: dict[str, Any] = {
        "title": title_of(splits),
        "repo": repo_of(splits),
        "version": version,
        "splits": splits,
        "configs": configs,
        "default": configs[0],
        "raw": RAW,
        "columns": _columns(splits, configs[0]),
        "raw_only": _raw_only(splits, configs[0]),
        "licenses": list(dict.fromkeys(key for facts in splits for key in licenses_of(facts))),
        "shown": SHOWN,
        "plots": told_together(splits),
    }
    front = yaml.safe_dump(front_matter(splits), sort_keys=False, allow_unicode=True, width=WIDEST)
    body = render(splits[0].get("card") or TEMPLATE, context)
    return f"---\n{front}---\n\n{body.strip()}\n"


def _columns(splits: Sequence[Facts], config: str) -> list[dict[str, str]]:
    """Return the columns of a configuration over all splits, each once, in order."""
    found = {
        column["name"]: column
        for facts in splits
        for column in facts["configs"].get(config, {"columns": []})["columns"]
    }
    return list(found.values())


def _raw_only(splits: Sequence[Facts], config: str) -> list[dict[str, str]]:
    known = {column["name"] for column in _columns(splits, config)}
    return [column for column in _columns(splits, RAW) if column["name"] not in known]
