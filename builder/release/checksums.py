"""Checksums that a release carries of itself, so that a byte that flips on the disk is found.

facts/<split>.json has the SHA-256 of every other file of its split, and one of itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from builder.release.layout import facts_path, files_of

FILES: Final = "sha256"
"""Key of facts: path in the release -> SHA-256, in hex."""

ITSELF: Final = "facts_sha256"
"""Key of facts: SHA-256, in hex, of the facts without this key, as `facts_text` writes them."""


def facts_text(facts: Mapping[str, Any]) -> str:
    """Return facts as JSON with sorted keys: the same facts are the same bytes."""
    return json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def sealed(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a split with the checksums of its files, which all stand, and their own.

    Raises `OSError` where a file cannot be read.
    """
    split = str(facts["split"])
    own = facts_path(folder, split)
    sums = {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in files_of(folder, split)
        if path != own
    }
    told = {**facts, FILES: sums}
    return {**told, ITSELF: own_sum(told)}


def own_sum(facts: Mapping[str, Any]) -> str:
    """Return the checksum of facts as `ITSELF` tells it."""
    text = facts_text({key: value for key, value in facts.items() if key != ITSELF})
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
