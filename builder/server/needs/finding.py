"""What a check of this machine found, and how sizes are written in it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The result of one check: what was looked at, whether it is fine, what was seen, the mend."""

    what: str
    fine: bool
    found: str
    mend: str = ""

    def to_json(self) -> dict[str, object]:
        """All fields by name."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        said = f"{self.what}: {self.found}"
        return f"{said}. {self.mend}" if self.mend else said


def size(count: float) -> str:
    """A number of bytes in GB of 10**9, as disks and models are sold: 141 GB, 1.3 GB, 8 MB."""
    if count >= 100e9:
        return f"{count / 1e9:.0f} GB"
    return f"{count / 1e9:.1f} GB" if count >= 0.95e9 else f"{count / 1e6:.0f} MB"
