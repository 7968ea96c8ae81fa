"""Servers of ours that run: which of them a person means, their end, their logs."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator, Sequence

from builder.errors import ServerError, UsageError
from builder.server.client import ContainerEngine, engine_errors
from builder.server.container import remove
from builder.server.leftovers import Found, containers_of_ours
from builder.server.log import hide
from builder.server.plan import secret_values


def servers_of(engine: ContainerEngine, recipe: str | None) -> list[Found]:
    """The containers of ours for a recipe; without a name those of the only one that there is.

    None at all are fine without a name. Raises `UsageError` when a name is needed, and
    `ServerError` when nothing has the name, or no engine answers.
    """
    there = containers_of_ours(engine)
    names = sorted({found.recipe for found in there})
    if recipe is None:
        if len(names) > 1:
            raise UsageError(
                f"there are servers of several recipes: {', '.join(names)}",
                mend="Name one of them.",
            )
        return there
    chosen = [found for found in there if found.recipe == recipe]
    if not chosen:
        known = f"There are servers of {', '.join(names)}." if names else "None of ours is there."
        raise ServerError(f"there is no server of {recipe!r}", mend=known)
    return chosen


def stop_servers(
    engine: ContainerEngine, chosen: Sequence[Found]
) -> tuple[list[Found], list[Found]]:
    """End containers, but not those of a build at work. Returns the ended and the others."""
    ended, busy = [], []
    for found in chosen:
        if found.stays or found.left_over():
            remove(engine, found.id)
            ended.append(found)
        else:
            busy.append(found)
    return ended, busy


def log_lines(
    engine: ContainerEngine, chosen: Sequence[Found], last: int | None, follow: bool
) -> Iterator[str]:
    """The lines of the logs, the last `last` of each; with `follow` also those to come.

    Those of several containers begin with the number of the replica. Raises `ServerError`.
    """
    heads = [f"{found.replica} | " if len(chosen) > 1 else "" for found in chosen]
    if not follow or len(chosen) == 1:
        for found, head in zip(chosen, heads, strict=True):
            yield from (head + line for line in _lines(engine, found, last, follow))
        return
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read(found: Found, head: str) -> None:
        with contextlib.suppress(ServerError), contextlib.closing(engine.another()) as own:
            for line in _lines(own, found, last, follow=True):
                lines.put(head + line)
        lines.put(None)

    for found, head in zip(chosen, heads, strict=True):
        threading.Thread(target=read, args=(found, head), daemon=True).start()
    ended = 0
    while ended < len(chosen):
        line = lines.get()
        if line is None:
            ended += 1
        else:
            yield line


def _lines(engine: ContainerEngine, found: Found, last: int | None, follow: bool) -> Iterator[str]:
    secrets = secret_values()
    with engine_errors(f"reading the log of {found.name}"):
        pieces = engine.client.api.logs(
            found.id, stream=True, follow=follow, tail="all" if last is None else last
        )
        rest = b""
        for piece in pieces:
            *whole, rest = (rest + piece).split(b"\n")
            yield from (hide(line.decode(errors="replace"), secrets) for line in whole)
        if rest:
            yield hide(rest.decode(errors="replace"), secrets)
