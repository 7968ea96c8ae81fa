"""The folder of licences of a split: a notice, and the texts that came with the models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from builder.recipe.licenses import license_of
from builder.release.layout import licenses_path
from builder.release.machine import called
from builder.release.templates import render

NOTICE: Final = "NOTICE.txt"

Texts = Mapping[str, Mapping[str, bytes]]
"""`model.id` -> name of a file -> its bytes."""


def write_licenses(
    folder: Path, facts: dict[str, Any], texts: Texts | None
) -> list[dict[str, Any]]:
    """Write a split's licences into a release, and return its facts of them with their `files`.

    Texts stand as `licenses/<split>/<model>/<file>`, paths relative to the release. Where a licence
    is one to be handed on, `agreement` is the path of one, also of another model under the same
    licence, and None where there is none. `texts` is None where nobody looked for any.
    """
    inside = licenses_path(folder, facts["split"])
    by_name = {called(model): files for model, files in (texts or {}).items()}
    known: list[dict[str, Any]] = []
    written: dict[str, bytes] = {}
    for one in facts["licenses"]:
        files = _written(folder, inside / one["model"], by_name.get(one["model"], {}))
        written |= files
        known.append({**one, "files": list(files)})
    if texts is not None:
        known = [one | _agreement(one, written) for one in known]
    inside.mkdir(parents=True, exist_ok=True)
    notice = render("notice.txt.j2", {"facts": {**facts, "licenses": known}})
    (inside / NOTICE).write_text(notice, encoding="utf-8")
    return known


def _written(folder: Path, inside: Path, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Write the files of a model; path in the release -> bytes."""
    found = {}
    for name, data in sorted(files.items()):
        path = inside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        found[path.relative_to(folder).as_posix()] = data
    return found


def _agreement(one: Mapping[str, Any], written: Mapping[str, bytes]) -> dict[str, str | None]:
    known = license_of(one["license"]) if one["license"] else None
    if known is None or known.agreement is None:
        return {}
    paths = [path for path, data in written.items() if known.is_text(data)]
    own = [path for path in paths if path in one["files"]]
    return {"agreement": next(iter(own or paths), None)}
