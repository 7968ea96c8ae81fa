"""Sampling a run up to its target: engines, their pool, the flow of rows, and their journals."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

from builder.engines.base import Engine, Served
from builder.engines.pool.pool import Pool
from builder.engines.preflight.preflight import Preflight, Tokenizer
from builder.errors import InterruptedRunError, StorageError
from builder.generate.flow import Flow, Screen, Stages
from builder.generate.instruct import Instruct
from builder.generate.judge import Judge
from builder.generate.ledger import Ledger
from builder.generate.preflight import try_engines
from builder.generate.respond import Respond
from builder.generate.resume import resume
from builder.recipe.schema import Recipe
from builder.recipe.template import PromptTemplate
from builder.rows import INSTRUCT, RESPOND
from builder.run.progress import Progress
from builder.run.shards import Shard, Shards
from builder.run.writer import ShardWriter

TICK = 0.25
"""Seconds between two looks at the counts."""

NOTE_EVERY = 40
"""Ticks between two progress events in events.jsonl: 10 seconds."""


@dataclass(frozen=True)
class Work:
    """What is to be sampled. `fingerprint` is the run's; `key` tells equal instructions.

    `tokenizer` gives the model's own, None where it has none that can be read. `preflight` says
    whether the engines are to be tried before the first row.
    """

    recipe: Recipe
    template: PromptTemplate
    fingerprint: str
    screen: Screen
    key: Callable[[str], bytes]
    tokenizer: Callable[[], Tokenizer | None] = lambda: None
    preflight: bool = True


@dataclass(frozen=True)
class Reports:
    """Who is told of what happens: the progress that people see, and the run's events.

    `gpu_seconds` is the time that the engine may still be used for, times its GPUs; None: any.
    `gpus` is how many those are, 1 where there is none. `found` is told of the preflight.
    """

    progress: Progress
    note: Callable[..., None]
    gpu_seconds: float | None = None
    gpus: int = 1
    found: Callable[[Preflight], None] = lambda _: None


@dataclass(frozen=True)
class Means:
    """Where engines come from, asked only when rows are to be sampled.

    `host` starts the servers that are needed and stops them at the end; `connect` gives the
    engines that speak to them, one an endpoint.
    """

    host: Callable[[], AbstractContextManager[Served]]
    connect: Callable[[Served], Awaitable[Sequence[Engine]]]


def local(start: Callable[[], Engine]) -> Means:
    """The means of one engine that needs no server."""

    async def connect(served: Served) -> Sequence[Engine]:  # noqa: ARG001
        return [start()]

    return Means(lambda: contextlib.nullcontext(Served()), connect)


def generate(work: Work, means: Means, shards: Shards, reports: Reports) -> None:
    """Sample rows until the recipe's target is reached; what the shards hold is not asked again.

    Raises `StopError` when nothing more can succeed, `KeyboardInterrupt` at Ctrl-C; the shards
    are whole then, and the servers that were started are gone.
    """

    def completed(shard: Shard) -> None:
        reports.note("shard-complete", shard=shard.number)

    with contextlib.closing(ShardWriter(shards, completed)) as writer:
        ledger = Ledger(work.recipe.target)
        flow = Flow(ledger, writer, respond_to_all=work.recipe.respond == "all")
        resume(flow, shards, work.screen, work.key)
        reports.progress.sampled, reports.progress.kept = ledger.settled, ledger.kept
        if ledger.reached:
            return
        with means.host() as served:
            reports = replace(reports, gpus=max(1, served.gpus))
            asyncio.run(_sample(work, flow, partial(means.connect, served), served, reports))


async def _sample(
    work: Work,
    flow: Flow,
    connect: Callable[[], Awaitable[Sequence[Engine]]],
    served: Served,
    reports: Reports,
) -> None:
    """Run the flow over the engines, and close them."""
    engines = await connect()
    try:
        if work.preflight:
            reports.progress.phase = "preflight"
            tokenizer = work.tokenizer()
            reports.found(await try_engines(engines, work.recipe, work.template, tokenizer))
        reports.progress.phase = "sampling"
        pool = Pool(engines, work.recipe.engine.concurrency, served)
        counts = {"settled": flow.ledger.settled, "kept": flow.ledger.kept}
        reports.note("sampling", **counts, slots=pool.ceiling, gpus=reports.gpus)
        await _run(flow, _stages(work, pool), pool, reports)
    finally:
        await asyncio.gather(*(engine.close() for engine in engines))


async def _run(flow: Flow, stages: Stages, pool: Pool, reports: Reports) -> None:
    """Run the flow while its counts are shown and its time is not up."""
    reports.progress.began = time.monotonic()
    ticking = asyncio.create_task(_tick(flow, pool, reports))
    left = reports.gpu_seconds
    budget = asyncio.timeout(None if left is None else left / reports.gpus)
    try:
        async with budget:
            await flow.run(stages)
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
        _look(flow, pool, reports)
        _note(reports, "sampling-ended")


def _stages(work: Work, pool: Pool) -> Stages:
    recipe, template = work.recipe, work.template
    return Stages(
        instruct=Instruct(pool, template, recipe.instruction, recipe.seed, work.fingerprint),
        instruction_judge=Judge(work.screen.instruction_drop, INSTRUCT),
        key=work.key,
        respond=Respond(pool, template, recipe.response, recipe.seed),
        response_judge=Judge(work.screen.response_drop, dict(INSTRUCT) | dict(RESPOND)),
    )


async def _tick(flow: Flow, pool: Pool, reports: Reports) -> None:
    ticks = 0
    while True:
        _look(flow, pool, reports)
        if ticks % NOTE_EVERY == NOTE_EVERY - 1:
            _note(reports, "progress")
        ticks += 1
        await asyncio.sleep(TICK)


def _look(flow: Flow, pool: Pool, reports: Reports) -> None:
    progress = reports.progress
    progress.sampled, progress.kept = flow.ledger.settled, flow.ledger.kept
    progress.seconds = time.monotonic() - progress.began
    progress.in_flight, progress.tokens = pool.in_flight, pool.tokens
    progress.retries, progress.idle_share = dict(pool.retries), pool.idle_share
    progress.servers, progress.away = pool.servers, pool.away
    progress.mark()


def _note(reports: Reports, event: str) -> None:
    """Note the counts. Where the disk takes no note, the rows fail too, and say it better."""
    with contextlib.suppress(StorageError):
        reports.note(event, **reports.progress.event())
