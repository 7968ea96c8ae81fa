"""The starts of a run: each time that it began to sample, and what that start used.

A process notes what it uses every ten seconds and when it stops. One that was killed counts up
to its last note: what it did after that, ten seconds at most, is nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from builder.run.directory import RunDirectory

Stages = Mapping[str, Mapping[str, Any]]
"""Stage -> rows, tokens_in (None: nobody can count them), tokens_out, seconds, gpu_seconds."""

NOTES: Final = ("progress", "sampling-ended")
"""Events that say what a start has used so far."""


@dataclass(frozen=True)
class Start:
    """One start. `seconds` it used its engine, which had `gpus` GPUs: 0 where none is known."""

    seconds: float = 0.0
    gpus: int = 0
    stages: Stages = field(default_factory=dict)


def starts_of(run: RunDirectory) -> list[Start]:
    """All starts of a run, oldest first."""
    starts: list[Start] = []
    for event in run.events():
        if event["event"] == "sampling":
            starts.append(Start(gpus=int(str(event.get("gpus") or 0))))
        elif event["event"] in NOTES and starts:
            stages = event.get("stages")
            starts[-1] = replace(
                starts[-1],
                seconds=float(str(event["seconds"])),
                stages=stages if isinstance(stages, dict) else starts[-1].stages,
            )
    return starts
