"""The engine that runs containers on this machine, reached over Docker's API: Docker or Podman."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from builder.errors import MissingExtraError, ServerError

DOCKER_SOCKET = "/var/run/docker.sock"
PROBE_SECONDS = 5.0
"""How long an engine may take to say its version."""
CALL_SECONDS = 60.0
"""How long any other call may take; pulls and logs go on for as long as bytes come."""

_INSTALL = "pip install 'magpie-builder[serve]'"
_START = (
    "Start Docker (`sudo systemctl start docker`) or Podman's socket (`systemctl --user start "
    "podman.socket`), set DOCKER_HOST for another one, or name servers that run already: "
    "`--endpoint URL`."
)
_JOIN = (
    "Join its group, then log in anew: `sudo usermod -aG docker $USER`. Podman needs no right: "
    "`systemctl --user start podman.socket`."
)


@dataclass(frozen=True)
class ContainerEngine:
    """An engine that answers.

    `client` is docker-py's client. `address` is where it was found. `podman` tells that it is
    Podman, which knows GPUs by their CDI names.
    """

    client: Any
    address: str
    version: str
    podman: bool

    def another(self) -> ContainerEngine:
        """The same engine over a connection of its own, for another thread."""
        return _open(self.address)

    def close(self) -> None:
        """Let go of the connection."""
        self.client.close()


@contextlib.contextmanager
def connected() -> Iterator[ContainerEngine]:
    """Give the first engine that answers, and let go of it when the block ends.

    Raises `ServerError` when none does, and `MissingExtraError` without the package.
    """
    engine = connect()
    try:
        yield engine
    finally:
        engine.close()


def connect() -> ContainerEngine:
    """Return the first engine that answers; see `addresses` for the order.

    Raises `ServerError`, saying what was tried, and `MissingExtraError` without the package.
    """
    try:
        import docker  # noqa: F401  (slow to import, and optional)
    except ImportError as error:
        raise MissingExtraError(
            "containers need the package docker, which is not installed", mend=f"Run: {_INSTALL}"
        ) from error
    seen, denied = [], False
    for address in addresses():
        problem = _problem(address)
        if problem is None:
            return _open(address)
        seen.append(f"{address}: {problem}")
        denied = denied or problem == PERMISSION
    raise ServerError(
        "no engine for containers answers (" + "; ".join(seen) + ")",
        mend=_JOIN if denied else _START,
    )


PERMISSION = "permission denied"


def addresses() -> list[str]:
    """Where engines may be, in the order in which they are tried.

    DOCKER_HOST alone where it is set; else the context that `docker context use` chose, Docker's
    own socket, and Podman's, first that of this user.
    """
    host = os.environ.get("DOCKER_HOST")
    if host:
        return [host]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    own = [f"{runtime}/docker.sock", f"{runtime}/podman/podman.sock"] if runtime else []
    sockets = [DOCKER_SOCKET, *own, "/run/podman/podman.sock"]
    chosen = _chosen_context()
    return list(dict.fromkeys([*chosen, *(f"unix://{path}" for path in sockets)]))


def _chosen_context() -> list[str]:
    """The address of the context in use; none where nothing was chosen."""
    from docker.context import ContextAPI
    from docker.errors import DockerException

    with contextlib.suppress(DockerException, OSError, ValueError, KeyError):
        context = ContextAPI.get_current_context()
        if context is not None and context.Name != "default" and context.Host:
            return [str(context.Host)]
    return []


def _problem(address: str) -> str | None:
    """What stands in the way of an engine at `address`; None when it answers."""
    parts = urlsplit(address)
    if parts.scheme not in ("unix", "http+unix"):
        if parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            return "on another machine, whose 127.0.0.1 cannot be reached from here"
    elif (problem := _socket_problem(Path(parts.path))) is not None:
        return problem
    try:
        _open(address).close()
    except raised() as error:
        return f"no answer ({_first_line(error)})"
    return None


def _socket_problem(path: Path) -> str | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_SECONDS)
        try:
            probe.connect(str(path))
        except FileNotFoundError:
            return "not there"
        except PermissionError:
            return PERMISSION
        except OSError as error:
            return f"not running ({error.strerror or error})"
    return None


def _open(address: str) -> ContainerEngine:
    import docker

    client = docker.DockerClient(base_url=address, version="auto", timeout=PROBE_SECONDS)
    version = client.version()
    client.api.timeout = CALL_SECONDS
    parts = {part.get("Name") for part in version.get("Components") or ()}
    return ContainerEngine(
        client, address, str(version.get("Version", "")), podman="Podman Engine" in parts
    )


@contextlib.contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn what docker-py raises in the block into a `ServerError` that says what was done."""
    try:
        yield
    except raised() as error:
        raise ServerError(
            f"the engine failed while {doing}: {explanation(error)}",
            mend="Does `docker info` answer? Then run the same command again.",
        ) from error


def raised() -> tuple[type[Exception], ...]:
    """What a call of docker-py may raise; those of `requests`, below it, are all `OSError`."""
    from docker.errors import DockerException
    from urllib3.exceptions import HTTPError

    return (DockerException, HTTPError, http.client.HTTPException, OSError)


def explanation(error: Exception) -> str:
    """What the engine itself said, or the first line of the error."""
    said = getattr(error, "explanation", None)
    return str(said).strip() if said else _first_line(error)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
