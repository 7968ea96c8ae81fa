"""What a person sees of servers: how far they are, where they answer, their end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from rich.text import Text

from builder.cli.build_words import this_command
from builder.cli.output import Output
from builder.errors import InterruptedRunError
from builder.server.leftovers import Found
from builder.server.serving import Running

LOG_EVERY = 10.0
"""Seconds between two lines about the same step where there is no terminal to redraw."""


@contextlib.contextmanager
def telling(output: Output) -> Iterator[Callable[[str], None]]:
    """Give a function that says how far servers are: in a live line, else as lines in a log."""
    if output.quiet:
        yield lambda words: None  # noqa: ARG005
    elif output.live.is_terminal:
        with output.live.status("looking at this machine") as status:
            yield lambda words: status.update(Text(words))
    else:
        yield _Lines(output)


class _Lines:
    """Prints a step when it begins, and how far it is now and then."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._step, self._words, self._said = "", "", 0.0

    def __call__(self, words: str) -> None:
        step = words.partition(":")[0]
        late = time.monotonic() - self._said > LOG_EVERY
        if step != self._step or (late and words != self._words):
            self._output.live.print(words, markup=False, soft_wrap=True)
            self._step, self._words, self._said = step, words, time.monotonic()


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Turn Ctrl-C into an error that says what became of the containers."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedRunError(
            "stopped before the server was ready: its container is removed, what was downloaded "
            "stays",
            mend=f"To go on: {this_command()}",
        ) from None


def report_served(recipe: str, running: Running, output: Output) -> None:
    """Say where servers answer, and how to end them."""
    endpoints = running.served.endpoints
    output.say(
        f"{recipe} is served at {', '.join(endpoints)}\n\n"
        f"  magpie build {recipe}     uses it\n"
        f"  magpie logs {recipe} -f   what it says\n"
        f"  magpie stop {recipe}      ends it"
    )
    output.document(
        {"recipe": recipe, "endpoints": endpoints, "containers": running.names} | running.record
    )


def report_stopped(ended: Sequence[Found], busy: Sequence[Found], output: Output) -> None:
    """Say what was stopped, and what was not."""
    for found in ended:
        output.say(f"stopped {found.name}")
    for found in busy:
        output.say(f"left alone: {found.name}, which serves {found.run}, on which a build works")
    if not ended and not busy:
        output.say("no server of ours is there")
    output.document(
        {"stopped": [found.name for found in ended], "busy": [found.name for found in busy]}
    )
