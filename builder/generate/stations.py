"""The stations of a run: each step of the way of its rows, with who does it."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import polars as pl

from builder.engines.pool.pool import Pool
from builder.errors import EngineError
from builder.generate.annotating import Annotating
from builder.generate.asking import Asking, counter
from builder.generate.existing import reading
from builder.generate.flow import Station
from builder.generate.instruct import Instruct
from builder.generate.judge import Judge
from builder.generate.meter import Meter
from builder.generate.pools import Pools
from builder.generate.record import Row
from builder.generate.respond import Respond
from builder.generate.tools import Toolbox
from builder.generate.work import Work
from builder.recipe.annotators import done_column, response_columns
from builder.recipe.cascade import Step, Way

Do = Callable[[Row], Awaitable[Row]]


@dataclass(frozen=True)
class Open:
    """What stations work with; `opened` closes the workers of annotators at the end."""

    pools: Pools
    meter: Meter
    box: Toolbox
    opened: contextlib.AsyncExitStack


async def open_stations(work: Work, means: Open) -> Sequence[Station]:
    """Start who does each step. Raises `EngineError`, `UsageError` or `MissingExtraError`."""
    way, columns = work.screen.way, response_columns(work.recipe)
    stations = []
    for number, (step, screen) in enumerate(zip(way.steps, work.screen.steps, strict=True)):
        do = await _doer(step, work, means)
        seen = _seen(way, number, columns)
        stations.append(Station(step, do, Judge(screen.drop, seen)))
    return stations


def _seen(way: Way, number: int, columns: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
    """The columns that rules may see after a step: what is written by then, without vectors."""
    seen: dict[str, pl.DataType] = {}
    for step in way.steps[: number + 1]:
        seen |= {name: columns[name] for name in step.writes if name in columns}
        seen[done_column(step.stage)] = pl.Boolean()
    return seen


async def _doer(step: Step, work: Work, means: Open) -> Do:
    if step.annotation is not None:
        start = step.annotation.annotator.start
        assert start is not None
        worker = await start(step.annotation.options, means.box.of(step.stage))
        annotating = Annotating(step.annotation, worker, means.meter)
        means.opened.push_async_callback(annotating.close)
        return annotating.row
    source = work.recipe.source
    if source is not None:
        do = reading(step.stage, source, work.base, work.fingerprint)
        return _counted(step.stage, do, means.meter)
    asks = _asking(step.stage, work, means)
    recipe, template = work.recipe, work.template
    do = (
        Instruct(asks, template, recipe.instruction, recipe.seed, work.fingerprint).row
        if step.stage == "instruct"
        else Respond(asks, template, recipe.response, recipe.seed).row
    )
    return _counted(step.stage, do, means.meter)


def _asking(stage: str, work: Work, means: Open) -> Asking:
    pool: Pool | None = means.pools.main
    if pool is None:
        raise EngineError("this recipe has no engine that could write rows")
    tokenizer = work.tokenizer()
    return Asking(stage, pool, means.meter, counter(tokenizer.encode if tokenizer else None))


def _counted(stage: str, do: Do, meter: Meter) -> Do:
    async def counted(known: Row) -> Row:
        said = await do(known)
        meter.row(stage)
        return said

    return counted
