"""Whether the ports of the replicas are free, and who holds those that are not."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Final

from builder.recipe.engine_spec import TgiEngineSpec
from builder.server.needs.finding import Finding

HOST: Final = "127.0.0.1"
LAST_PORT: Final = 65_535

_LISTEN: Final = "0A"
"""State of a listening socket in /proc/net/tcp (the kernel's include/net/tcp_states.h)."""


def port_finding(spec: TgiEngineSpec, ours: frozenset[int]) -> Finding:
    """Judge the ports of all replicas. `ours` are held by containers of ours: they count as free.

    Port 0 means any that is free.
    """
    if spec.port == 0:
        return Finding("ports", fine=True, found="any that are free")
    wanted = range(spec.port, spec.port + spec.replicas)
    named = f"{wanted[0]} to {wanted[-1]}" if len(wanted) > 1 else str(wanted[0])
    mend = f"`--set engine.port=0` takes {'any' if len(wanted) > 1 else 'one'} that is free"
    if wanted[-1] > LAST_PORT:
        return Finding("ports", False, f"{named}: there is none above {LAST_PORT}", mend)
    taken = [port for port in wanted if port not in ours and not is_free(port)]
    if not taken:
        return Finding("ports", fine=True, found=f"{named} free on {HOST}")
    said = [f"{port} is held by {holder(port) or 'another process'}" for port in taken]
    return Finding("ports", fine=False, found=", ".join(said), mend=f"Stop it, or {mend}")


def is_free(port: int) -> bool:
    """Tell whether a server can listen on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # past ones may linger
        try:
            probe.bind((HOST, port))
        except OSError as error:
            # A port below 1024 is refused to us, and not to the container engine.
            return error.errno != errno.EADDRINUSE
    return True


def holder(port: int) -> str:
    """Name the process that listens on a port, such as `python3 (pid 4711)`; '' if untold."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                name = (process / "comm").read_text(encoding="utf-8").strip()
                return f"{name} (pid {process.name})"
        except OSError:  # gone by now, or another user's
            continue
    return ""


def _listening(port: int) -> list[str]:
    """Inodes of the sockets that listen on a port, from the kernel's own table."""
    inodes = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.append(fields[9])
    return inodes
