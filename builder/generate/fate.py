"""What has been decided of one row so far."""

from __future__ import annotations

from dataclasses import dataclass

Key = bytes


@dataclass
class Fate:
    """What became of a row on its way.

    `key` is what it shares with rows of the same instruction, once it has come so far. `near`:
    it has asked whether an earlier row has nearly the same instruction. `fell`: it was dropped
    for an earlier row alone. `skipped`: its label had enough rows.
    """

    key: Key | None = None
    dropped: bool = False
    near: bool = False
    fell: bool = False
    skipped: bool = False
