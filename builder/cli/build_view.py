"""What a person sees of a build: the live line, the end, and how to go on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from rich.console import Group
from rich.live import Live
from rich.text import Text

from builder.cli.build_words import this_command
from builder.cli.engine_words import live_words
from builder.cli.output import Output
from builder.cli.tables import count, duration, funnel_table
from builder.errors import InterruptedRunError
from builder.pipeline import Built
from builder.run.directory import RunDirectory
from builder.run.progress import Progress

LOG_EVERY = 10.0
"""Seconds between two lines where there is no terminal to redraw."""

LONGEST_BAR, SHORTEST_BAR = 30, 6
"""Characters."""


@contextlib.contextmanager
def resumable(run: RunDirectory, progress: Progress) -> Iterator[None]:
    """Turn Ctrl-C into an error that says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"stopped: {run.path} holds {count(progress.sampled)} rows, "
            f"{count(progress.kept)} of them kept; nothing that was finished is lost",
            mend=f"To go on: {this_command()}",
        ) from None


@contextlib.contextmanager
def watching(progress: Progress, output: Output) -> Iterator[None]:
    """Show the progress while the block runs: a live line on a terminal, else lines in a log."""
    if output.quiet:
        yield
    elif output.live.is_terminal:
        with Live(
            console=output.live,
            get_renderable=lambda: _lines(progress, output.live.width),
            refresh_per_second=4,
            transient=True,
        ):
            yield
    else:
        done = threading.Event()
        logger = threading.Thread(target=_log, args=(progress, output, done), daemon=True)
        logger.start()
        try:
            yield
        finally:
            done.set()
            logger.join()


def report(built: Built, run: RunDirectory, output: Output) -> None:
    """Say what a build ended with and how to look at it."""
    funnel, release = built.funnel, built.release
    output.say(funnel_table(funnel.to_json()))
    output.say(
        f"\nRelease: {release.folder}  ({count(release.rows['raw'])} rows raw)\n\n"
        f"Look at it:\n"
        f"  magpie show {run.path}\n"
        f"  python -c \"import datasets; print(datasets.load_dataset('{release.folder}', "
        f"'filtered'))\"\n"
        f"  less {release.folder}/README.md"
    )
    output.document(
        {
            "run": str(run.path),
            "release": str(release.folder),
            "split": release.split,
            "funnel": funnel.to_json(),
        }
    )


def _log(progress: Progress, output: Output, done: threading.Event) -> None:
    while not done.wait(LOG_EVERY):
        words = [*_words(progress), *live_words(progress)]
        output.live.print(" · ".join(words), soft_wrap=True)


def _lines(progress: Progress, width: int) -> Group:
    """How far and how fast, and under it what the engine does."""
    engine = " · ".join(live_words(progress))
    return Group(_line(progress, width), *([Text(engine, style="bright_black")] if engine else []))


def _line(progress: Progress, width: int) -> Text:
    """One line of at most `width`: how far, as a bar where there is room, and how fast."""
    words = " · ".join(_words(progress))
    bar = min(LONGEST_BAR, width - len(words) - 2)
    if bar < SHORTEST_BAR:
        return Text(words)
    filled = round(progress.fraction * bar)
    line = Text("━" * filled, style="green")
    return line.append("━" * (bar - filled), style="bright_black").append(f"  {words}", "default")


def _words(progress: Progress) -> Iterator[str]:
    yield progress.phase
    if progress.target_kept:
        yield f"{count(progress.kept)} of {count(progress.target_kept)} kept"
        yield f"{count(progress.sampled)} sampled"
    elif progress.target_sampled:
        yield f"{count(progress.sampled)} of {count(progress.target_sampled)} sampled"
        yield f"{count(progress.kept)} kept"
    if progress.phase == "sampling":
        rows_a_second, tokens_a_second = progress.speeds()
        yield f"{rows_a_second:.1f} rows/s"
        yield f"{count(tokens_a_second)} tok/s"
        left = progress.seconds_left()
        yield f"{duration(left)} left" if left is not None else "time left unknown"
