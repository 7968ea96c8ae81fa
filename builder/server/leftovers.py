"""Containers of ours that are there already: in use, meant to stay, or left over by a crash."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.errors import MissingExtraError, ServerError
from builder.run.directory import RunDirectory
from builder.run.status import worker
from builder.server.client import ContainerEngine, connected, engine_errors
from builder.server.container import healthy, port_of, remove
from builder.server.plan import OWNER, PLAN, RECIPE, REPLICA, RUN, SCOPE, scope


@dataclass(frozen=True)
class Found:
    """A container of ours."""

    id: str
    name: str
    running: bool
    port: int
    labels: Mapping[str, str]

    @property
    def endpoint(self) -> str:
        """Where it answers, while it runs."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def stays(self) -> bool:
        """Whether `magpie serve` started it: it is there until it is stopped."""
        return self.labels.get(OWNER) == "serve"

    @property
    def run(self) -> Path:
        """The run that it serves; for one that stays it means nothing."""
        return Path(self.labels.get(RUN, ""))

    @property
    def recipe(self) -> str:
        """The name of its recipe."""
        return self.labels.get(RECIPE, "")

    @property
    def replica(self) -> int:
        """Its number among the replicas."""
        return int(self.labels.get(REPLICA) or 0)

    def serves(self, plan: str) -> bool:
        """Whether it is what a plan of this fingerprint would start, and runs."""
        return self.running and self.labels.get(PLAN) == plan

    def healthy(self) -> bool:
        """Whether it says that it is ready."""
        return healthy(self.endpoint)

    def left_over(self) -> bool:
        """Whether a build started it that is no more: nobody holds the lock of its run.

        A run that we may not look into may be somebody's who works on it.
        """
        if self.stays or not self.labels.get(RUN):
            return False
        try:
            return worker(RunDirectory(self.run)) is None
        except PermissionError:
            return False


def containers_of_ours(engine: ContainerEngine) -> list[Found]:
    """All that carry our label, running or not, oldest first. Raises `ServerError`."""
    from docker.errors import NotFound

    found = []
    with engine_errors("listing containers"):
        filters = {"label": [OWNER, f"{SCOPE}={scope()}"]}
        for container in engine.client.api.containers(all=True, filters=filters):
            try:
                details = engine.client.api.inspect_container(container["Id"])
            except NotFound:  # removed this moment
                continue
            found.append(
                Found(
                    id=str(details["Id"]),
                    name=str(details["Name"]).lstrip("/"),
                    running=bool(details["State"]["Running"]),
                    port=port_of(details),
                    labels=dict(details["Config"]["Labels"]),
                )
            )
    return found[::-1]


def sweep(engine: ContainerEngine, run: Path | None) -> tuple[list[Found], list[Found]]:
    """Remove what builds left over that are no more.

    Returns what was removed, and what is there: of `run`, whose lock is ours, to be adopted or
    removed; of `magpie serve`; and of builds at work. Raises `ServerError`.
    """
    removed, there = [], []
    own = run.absolute() if run is not None else None
    for found in containers_of_ours(engine):
        if (found.stays or found.run != own) and found.left_over():
            remove(engine, found.id)
            removed.append(found)
        else:
            there.append(found)
    return removed, there


def ports_of_ours(run: Path | None) -> frozenset[int]:
    """Ports that are held by containers which a start would adopt, use or remove.

    `run` is the directory of the run that is to start. None where no engine answers.
    """
    own = run.absolute() if run is not None else None
    with contextlib.suppress(ServerError, MissingExtraError), connected() as engine:
        return frozenset(
            found.port
            for found in containers_of_ours(engine)
            if found.running and (found.stays or found.run == own or found.left_over())
        )
    return frozenset()
