"""What a run has cost so far, stage by stage, for its status and its card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from builder.recipe.cascade import way_of
from builder.recipe.schema import Recipe
from builder.run.directory import RunDirectory
from builder.run.spent import Spent, money, spent_by
from builder.run.starts import Stages, Start, starts_of

ENGINE_STAGES: Final = ("instruct", "respond")
"""Stages that are no annotator's: their names have no digest."""


def cost_of(run: RunDirectory, kept: int | None) -> dict[str, Any]:
    """Tell what all starts of a run used together; `kept` rows are what it got for that.

    `{"stages": [{"stage": "instruct", "rows": 60, "tokens_in": 360, "tokens_out": 1210,
    "seconds": 8.1, "gpu_seconds": 8.1}, ...], "seconds": 40.2, "gpus": 1, "gpu_hours": 0.0112,
    "kept_per_gpu_hour": 3582.1, "tokens_per_kept_row": 211.4, "money": {"amount": 0.03,
    "currency": "USD", "complete": True}}`

    Stages stand in the order of the way; one whose judge was changed since counts under the same
    name, and those that the recipe has no more stand last. `tokens_in` is null where nobody can
    count prompts. `gpus` are the most that a start had, 0 where none is known; then there are no
    GPU-hours either. `gpu_hours` are those for which GPUs were held, so more than the stages
    share. A ratio is null where one side of it is not known or 0, `money` where the recipe has no
    price. Left out is what comes before sampling (servers that load, the preflight), and what a
    killed process did after its last note: ten seconds at most.
    """
    recipe = Recipe.model_validate(run.record().recipe)
    starts = starts_of(run)
    total = sum((spent_by(one.stages, one.seconds, one.gpus) for one in starts), Spent())
    hours = total.gpu_seconds / 3600
    return {
        "stages": _stages(starts, recipe),
        "seconds": round(total.seconds, 2),
        "gpus": max((one.gpus for one in starts), default=0),
        "gpu_hours": round(hours, 4),
        "kept_per_gpu_hour": round(kept / hours, 1) if kept and hours else None,
        "tokens_per_kept_row": round(total.tokens_out / kept, 1) if kept else None,
        "money": money(recipe.price, total),
    }


def _stages(starts: Iterable[Start], recipe: Recipe) -> list[dict[str, Any]]:
    order = [_name(step.stage) for step in way_of(recipe).steps]
    together: dict[str, dict[str, Any]] = {}
    for name, use in _uses(start.stages for start in starts):
        before = together.get(name)
        together[name] = dict(use) if before is None else _sum(before, use)
    known = [name for name in dict.fromkeys(order) if name in together]
    others = [name for name in together if name not in order]
    return [{"stage": name, **_rounded(together[name])} for name in (*known, *others)]


def _uses(starts: Iterable[Stages]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for stages in starts:
        for stage, use in stages.items():
            yield _name(stage), use


def _name(stage: str) -> str:
    """The annotator of a stage, whose name is followed by a digest; else the stage itself."""
    return stage if stage in ENGINE_STAGES else stage.rpartition("-")[0]


def _sum(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: None if value is None or other[name] is None else value + other[name]
        for name, value in one.items()
    }


def _rounded(use: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 2) if isinstance(value, float) else value for name, value in use.items()
    }
