"""The servers of a run, from no container to no container."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from builder.engines.base import Served
from builder.recipe.engine_spec import TgiEngineSpec
from builder.server.client import connected
from builder.server.crew import Crew
from builder.server.interrupts import uninterrupted
from builder.server.plan import ServeRequest
from builder.server.ready import Ears
from builder.server.upkeep import Keeper, RestartPolicy

SILENCE = Ears()
POLICY = RestartPolicy()


@dataclass(frozen=True)
class Running:
    """Servers that are ready.

    `record` is what run.json says of them; equal recipes on equal machines have equal ones.
    `names` are those of the containers.
    """

    served: Served
    record: dict[str, object]
    names: tuple[str, ...]


@contextlib.contextmanager
def serving(
    spec: TgiEngineSpec,
    request: ServeRequest,
    ears: Ears = SILENCE,
    policy: RestartPolicy = POLICY,
) -> Iterator[Running]:
    """Serve a model while the block runs, on the main thread.

    Containers that crashed builds left over are removed first, or adopted where they serve the
    same for the same run. A ready one of `magpie serve` is used, and left alone. All others are
    started, looked after, and removed at the end, however it comes: only those of a request
    without a run stay where the block ended well.
    Raises `ServerError`, `UsageError` where GPUs and replicas do not fit, and `MissingExtraError`.
    """
    with connected() as engine:
        crew = Crew(engine, spec, request, ears)
        well = False
        try:
            crew.bring_up()
            with kept_up(crew, policy) as served:
                yield Running(served, crew.record(), tuple(r.name for r in crew.replicas))
            well = True
        finally:
            crew.end(well)


@contextlib.contextmanager
def kept_up(crew: Crew, policy: RestartPolicy) -> Iterator[Served]:
    """Look after ready servers while the block runs."""
    keeper = Keeper(crew.replicas, crew.spec.start_minutes, crew.ears.note, policy)
    keeper.start()
    try:
        gpus = sum(len(replica.plan.gpus) for replica in crew.replicas)
        yield Served(tuple(replica.endpoint for replica in crew.replicas), keeper, gpus)
    finally:
        with uninterrupted():
            keeper.stop()
