"""What a run has used of its engine, and what a budget leaves."""

from __future__ import annotations

from builder.errors import InterruptedRunError
from builder.run.directory import RunDirectory
from builder.run.starts import starts_of

LEAST = 0.05
"""Seconds that are worth a start; what was used is noted in hundredths."""


def seconds_used(run: RunDirectory) -> float:
    """Seconds for which the run has used its engine, over all its starts.

    A process that was killed counts up to its last progress event: at most ten seconds too few.
    """
    return sum(start.seconds for start in starts_of(run))


def gpu_seconds_used(run: RunDirectory) -> float:
    """The same, each start times the GPUs that it had; none counts as one."""
    return sum(start.seconds * max(1, start.gpus) for start in starts_of(run))


def budget_left(run: RunDirectory, budget: float | None) -> float | None:
    """What is left of a budget, in seconds of one GPU; None where there is none.

    Raises `InterruptedRunError` when the budget is spent already.
    """
    if budget is None:
        return None
    used = gpu_seconds_used(run)
    if budget - used < LEAST:
        raise InterruptedRunError(
            f"stopped: the run has used {used / 3600:.3g} of {budget / 3600:.3g} GPU-hours already",
            mend="To go on, run the same command with a larger --budget-gpu-hours, or without.",
        )
    return budget - used
