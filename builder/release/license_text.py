"""The folder of licences of a split: a notice, and the texts that came with the models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from builder.release.layout import licenses_path
from builder.release.machine import called
from builder.release.templates import render

NOTICE: Final = "NOTICE.txt"

Texts = Mapping[str, Mapping[str, bytes]]
"""`model.id` -> name of a file -> its bytes."""


def write_licenses(folder: Path, facts: dict[str, Any], texts: Texts) -> list[dict[str, Any]]:
    """Write a split's licences into a release, and return its facts of them with their `files`.

    Texts stand as `licenses/<split>/<model>/<file>`, paths relative to the release.
    """
    inside = licenses_path(folder, facts["split"])
    by_name = {called(model): files for model, files in texts.items()}
    known = []
    for one in facts["licenses"]:
        written = []
        for name, data in sorted(by_name.get(one["model"], {}).items()):
            path = inside / one["model"] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            written.append(path.relative_to(folder).as_posix())
        known.append({**one, "files": written})
    inside.mkdir(parents=True, exist_ok=True)
    notice = render("notice.txt.j2", {"facts": {**facts, "licenses": known}})
    (inside / NOTICE).write_text(notice, encoding="utf-8")
    return known
