"""The servers of one request: adopted where they are there, started where they are not."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from pathlib import Path

from builder.errors import ServerError, StorageError
from builder.recipe.engine_spec import TgiEngineSpec
from builder.run.directory import RunDirectory
from builder.server.client import ContainerEngine
from builder.server.container import remove
from builder.server.failure import Setting
from builder.server.image import Image, ensure_image
from builder.server.interrupts import uninterrupted
from builder.server.leftovers import Found, containers_of_ours, sweep
from builder.server.log import LogOut
from builder.server.needs.gpus import machine_gpus, needs_gpus
from builder.server.plan import (
    ContainerPlan,
    Place,
    ServeRequest,
    deal_out,
    plan_replica,
    secret_values,
)
from builder.server.ready import Ears, wait_until_ready
from builder.server.replica import Replica

CLOCK_STEP = 0.01
"""Seconds. The time of a file may be that of the kernel's last tick, before the line's own."""


class Crew:
    """The servers of one request."""

    def __init__(
        self, engine: ContainerEngine, spec: TgiEngineSpec, request: ServeRequest, ears: Ears
    ) -> None:
        self.spec = spec
        self.ears = ears
        self.replicas: list[Replica] = []
        self._engine, self._request = engine, request
        self._run = RunDirectory(request.run) if request.run is not None else None
        self._image: Image | None = None

    def bring_up(self) -> None:
        """Adopt or start all replicas, and wait until they are ready. Raises `ServerError`."""
        removed, there = sweep(self._engine, self._request.run)
        for found in removed:
            self.ears.note("server-removed", name=found.name, run=str(found.run))
        self._image = image = ensure_image(
            self._engine, self.spec.image, self.ears.tell, self._request.digest
        )
        self._recruit(self._plans(image), there)
        wait_until_ready(self.replicas, self.spec.start_minutes, self.ears)

    def record(self) -> dict[str, object]:
        """What run.json keeps: what serves, and on what. No port, no name: those may change."""
        assert self._image is not None
        first = self.replicas[0].plan
        return {
            **self._image.to_json(),
            "command": list(first.command),
            "gpus": [list(replica.plan.gpus) for replica in self.replicas],
            "replicas": len(self.replicas),
        }

    def end(self, well: bool) -> None:
        """Remove what is ours, unless it is to stay. Raises `ServerError` only where all was well.

        Our run's lock is ours, so what carries its label is, too: also a container whose making
        was cut off by an error.
        """
        if well and self._request.run is None:
            for replica in self.replicas:
                replica.stop_following()
            return
        failed: list[ServerError] = []
        with uninterrupted():
            for replica in self.replicas:
                self._let_go(replica, failed)
            try:
                self._remove_strays()
            except ServerError as error:
                failed.append(error)
        if well and failed:
            raise failed[0]

    def _plans(self, image: Image) -> list[ContainerPlan]:
        hands = deal_out(self._gpus(image), self.spec.replicas)
        cache = hub_cache()
        return [
            plan_replica(self.spec, self._request, image, Place(number, port, gpus, cache))
            for number, (port, gpus) in enumerate(
                zip(ports(self.spec.port, self.spec.replicas), hands, strict=True)
            )
        ]

    def _gpus(self, image: Image) -> Sequence[int]:
        """The GPUs to deal out. Raises `ServerError` where some are needed and none is there."""
        if not needs_gpus(self.spec, image.environment):
            return ()
        if self.spec.gpus is not None:
            return self.spec.gpus
        return [gpu.index for gpu in machine_gpus()]

    def _recruit(self, plans: Sequence[ContainerPlan], there: Sequence[Found]) -> None:
        """Adopt what serves the same already, remove our run's others, start what is missing."""
        adopted = {}
        for plan in plans:
            fits = [f for f in there if self._may_use(f, plan)]
            if fits:
                adopted[plan.name] = min(fits, key=lambda found: found.stays)
        used = {found.id for found in adopted.values()}
        for found in there:
            if self._is_of_our_run(found) and found.id not in used:
                with uninterrupted():
                    remove(self._engine, found.id)
                self.ears.note("server-removed", name=found.name, run=str(found.run))
        for plan in plans:
            self._add(plan, adopted.get(plan.name))

    def _add(self, plan: ContainerPlan, found: Found | None) -> None:
        replica = Replica(self._engine, plan, self._setting(plan), self._out(plan))
        if found is not None:
            replica.adopt(found, self._log_time())
            self.replicas.append(replica)
            self._note("server-adopted", replica, gpus=list(plan.gpus))
            return
        self.ears.tell(f"starting {plan.name}")
        with uninterrupted():  # else a container could be made and nobody know of it
            replica.start()
            self.replicas.append(replica)
        self._note("server-started", replica, **plan.describe())

    def _may_use(self, found: Found, plan: ContainerPlan) -> bool:
        """Whether a container that is there can take the place of a plan's."""
        same = found.serves(plan.fingerprint) and str(found.replica) == plan.replica
        return same and (found.stays or self._is_of_our_run(found)) and found.healthy()

    def _is_of_our_run(self, found: Found) -> bool:
        run = self._request.run
        return run is not None and not found.stays and found.run == run.absolute()

    def _setting(self, plan: ContainerPlan) -> Setting:
        return Setting(
            model=self._request.model_id,
            revision=self._request.revision,
            shards=self.spec.num_shard or len(plan.gpus) or 1,
            log=str(self._run.log_path) if self._run else "",
            port=plan.port,
        )

    def _out(self, plan: ContainerPlan) -> LogOut:
        path = self._run.log_path if self._run else None
        return LogOut(plan.name, path, secret_values())

    def _log_time(self) -> float | None:
        """Up to when server.log has what an adopted server said."""
        path = self._run.log_path if self._run else None
        if path is None or not path.exists():
            return None
        return path.stat().st_mtime + CLOCK_STEP

    def _let_go(self, replica: Replica, failed: list[ServerError]) -> None:
        try:
            replica.remove()
        except ServerError as error:
            failed.append(error)
        if replica.ours:
            with contextlib.suppress(StorageError):
                self._note("server-stopped", replica)

    def _remove_strays(self) -> None:
        for found in containers_of_ours(self._engine):
            if self._is_of_our_run(found):
                remove(self._engine, found.id)

    def _note(self, event: str, replica: Replica, **details: object) -> None:
        self.ears.note(event, **details | {"name": replica.name, "endpoint": replica.endpoint})


def hub_cache() -> Path:
    """The Hub's cache of this machine; made here, or the engine would make it as root."""
    from huggingface_hub.constants import HF_HUB_CACHE

    cache = Path(HF_HUB_CACHE).absolute()
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def ports(first: int, replicas: int) -> list[int]:
    """The ports of the replicas: `first` and those after it, or any that are free for 0."""
    if first:
        return list(range(first, first + replicas))
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(replicas)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
