"""One container: made, started, looked at, started again, removed."""

from __future__ import annotations

import contextlib
import datetime
import http.client
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from builder.server.client import ContainerEngine, engine_errors, explanation, raised
from builder.server.create import create
from builder.server.failure import Setting, start_failure
from builder.server.plan import PORT_INSIDE, ContainerPlan

HEALTH_SECONDS = 5.0
"""How long `/health` may take: TGI answers it at once, or tries a token of its own."""


@dataclass(frozen=True)
class State:
    """How a container stands. `status` is its exit status; `seconds` how long it ran, or runs."""

    there: bool
    running: bool = False
    status: int = 0
    out_of_memory: bool = False
    seconds: float = 0.0
    note: str = ""


GONE = State(there=False)


def start_container(engine: ContainerEngine, plan: ContainerPlan, setting: Setting) -> str:
    """Make and start a container; return its id. Raises `ServerError`; nothing is left then."""
    try:
        container = create(engine, plan)
    except raised() as error:
        remove(engine, plan.name)
        raise start_failure(explanation(error), setting) from error
    begin(engine, container, setting)
    return container


def begin(engine: ContainerEngine, container: str, setting: Setting) -> None:
    """Start a container that was made. Raises `ServerError`, and removes it then."""
    try:
        engine.client.api.start(container)
    except raised() as error:
        remove(engine, container)
        raise start_failure(explanation(error), setting) from error


def remove(engine: ContainerEngine, container: str) -> None:
    """End a container at once and remove it; it may be gone already. Raises `ServerError`."""
    from docker.errors import APIError, NotFound

    with engine_errors(f"removing the container {container}"), contextlib.suppress(NotFound):
        try:
            engine.client.api.remove_container(container, force=True, v=True)
        except APIError as error:
            if "already in progress" not in explanation(error):
                raise


def state_of(engine: ContainerEngine, container: str) -> State:
    """How a container stands now. Raises `ServerError` when the engine does not answer."""
    from docker.errors import NotFound

    with engine_errors("looking at a container"), contextlib.suppress(NotFound):
        state = engine.client.api.inspect_container(container)["State"]
        running = bool(state["Running"])
        ended = None if running else _moment(state["FinishedAt"])
        return State(
            there=True,
            running=running,
            status=int(state["ExitCode"]),
            out_of_memory=bool(state.get("OOMKilled")),
            seconds=_seconds(_moment(state["StartedAt"]), ended),
            note=str(state.get("Error") or ""),
        )
    return GONE


def port_of(details: Any) -> int:
    """The port of this machine that a container answers on; 0 for none."""
    bound = details["HostConfig"].get("PortBindings") or {}
    places = bound.get(f"{PORT_INSIDE}/tcp") or [{}]
    return int(places[0].get("HostPort") or 0)


def healthy(endpoint: str) -> bool:
    """Whether a server says that it is ready. No proxy is asked."""
    parts = urlsplit(endpoint)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=HEALTH_SECONDS
    )
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def _moment(text: str) -> datetime.datetime:
    """A time as Docker and Podman write it, with nanoseconds, which Python does not read."""
    whole, _, rest = text.partition(".")
    zone = rest.lstrip("0123456789") if rest else ""
    return datetime.datetime.fromisoformat((whole + zone).replace("Z", "+00:00"))


def _seconds(started: datetime.datetime, ended: datetime.datetime | None) -> float:
    end = ended or datetime.datetime.now(datetime.UTC)
    return max(0.0, (end - started).total_seconds())
