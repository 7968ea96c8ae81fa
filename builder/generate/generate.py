"""Sampling a run up to its goal: engines, their pools, the flow of rows, and their journals."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace

from builder.engines.base import Engine, Served
from builder.engines.pool.pool import Pool
from builder.errors import InterruptedRunError
from builder.generate.flow import Claims, Flow, Station
from builder.generate.ledger import Ledger
from builder.generate.look import Look
from builder.generate.meter import Meter
from builder.generate.near import NearTwins
from builder.generate.pools import Pools
from builder.generate.preflight import try_engines
from builder.generate.resume import resume
from builder.generate.stations import Open, open_stations
from builder.generate.tools import Toolbox
from builder.generate.work import Means, Reports, Work, local
from builder.recipe.cascade import near_radius
from builder.run.plan import Terms
from builder.run.planner import Planner
from builder.run.shards import Shard, Shards
from builder.run.writer import ShardWriter

__all__ = ["Means", "Reports", "Work", "generate", "local"]


def generate(work: Work, means: Means, shards: Shards, reports: Reports) -> None:
    """Sample rows until the goal is reached; what the shards hold is not asked again.

    Raises `StopError` when nothing more can succeed, `KeyboardInterrupt` at Ctrl-C; the shards
    are whole then, and the servers that were started are gone.
    """

    def completed(shard: Shard) -> None:
        reports.note("shard-complete", shard=shard.number)

    recipe = work.recipe
    with contextlib.closing(ShardWriter(shards, completed)) as writer:
        radius = near_radius(recipe)
        near = None if radius is None else NearTwins(radius)
        claims = Claims(Ledger(work.goal), work.key, near, recipe.target.by)
        flow = Flow(claims, writer, respond_to_all=recipe.respond == "all")
        resume(flow, shards, work.screen)
        reports.progress.sampled, reports.progress.kept = claims.ledger.settled, claims.ledger.kept
        if claims.ledger.reached:
            return
        with means.host() as served:
            reports = replace(reports, gpus=max(1, served.gpus))
            asyncio.run(_sample(work, flow, means, served, reports))


async def _sample(work: Work, flow: Flow, means: Means, served: Served, reports: Reports) -> None:
    """Run the flow over the engines, and close them."""
    engines = await means.connect(served)
    meter = Meter(served.gpus)
    pools = Pools(Pool(engines, work.recipe.engine.concurrency, served) if engines else None)
    box = Toolbox(work, means, pools, meter)
    try:
        await _try(work, engines, reports)
        async with contextlib.AsyncExitStack() as opened:
            stations = await open_stations(work, Open(pools, meter, box, opened))
            reports.progress.phase = "sampling"
            counts = {"settled": flow.ledger.settled, "kept": flow.ledger.kept}
            reports.note("sampling", **counts, slots=pools.ceiling, gpus=meter.gpus)
            planner = Planner(flow.ledger.course, _terms(work, meter.gpus, reports))
            await _run(flow, stations, Look(flow.ledger, pools, meter, reports, planner))
    finally:
        await asyncio.gather(box.close(), *(engine.close() for engine in engines))


def _terms(work: Work, gpus: int, reports: Reports) -> Terms:
    """What the plan reckons with; the budget is that of all starts."""
    left, used = reports.gpu_seconds, reports.progress.earlier.charged
    return Terms(gpus, work.recipe.price, None if left is None else left + used)


async def _try(work: Work, engines: Sequence[Engine], reports: Reports) -> None:
    if work.preflight and engines:
        reports.progress.phase = "preflight"
        tokenizer = work.tokenizer()
        reports.found(await try_engines(engines, work.recipe, work.template, tokenizer))


async def _run(flow: Flow, stations: Sequence[Station], look: Look) -> None:
    """Run the flow while its counts are shown and its time is not up."""
    reports = look.reports
    reports.progress.began = time.monotonic()
    ticking = asyncio.create_task(look.tick())
    left = reports.gpu_seconds
    budget = asyncio.timeout(None if left is None else left / reports.gpus)
    try:
        async with budget:
            await flow.run(stations, look.pools)
    except TimeoutError:
        if not budget.expired():
            raise
        raise InterruptedRunError(
            f"stopped: the budget is spent, with {flow.ledger.kept} rows kept of "
            f"{flow.ledger.settled} sampled; nothing that was finished is lost",
            mend="To go on, run the same command with a larger --budget-gpu-hours, or without.",
        ) from None
    finally:
        ticking.cancel()
        look.once()
        look.note("sampling-ended")
