"""What a person sees of a build: the live line, the end, and how to go on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from rich.live import Live
from rich.text import Text

from builder.cli.build_words import this_command
from builder.cli.output import Output
from builder.cli.tables import count, duration, funnel_table
from builder.errors import InterruptedRunError
from builder.pipeline import Built
from builder.run.directory import RunDirectory
from builder.run.progress import Progress

LOG_EVERY = 10.0
"""Seconds between two lines where there is no terminal to redraw."""


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
            get_renderable=lambda: _line(progress, bar=30),
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
        output.live.print(_line(progress, bar=0))


def _line(progress: Progress, bar: int) -> Text:
    """One line: how far, how fast, how long still."""
    target = progress.target_kept or progress.target_sampled
    rows_a_second, tokens_a_second = progress.speeds()
    parts = [progress.phase]
    if target:
        unit = "kept" if progress.target_kept else "sampled"
        done = progress.kept if progress.target_kept else progress.sampled
        parts.append(f"{count(done)} of {count(target)} {unit}")
        if progress.target_kept:
            parts.append(f"{count(progress.sampled)} sampled")
    if progress.phase == "sampling":
        parts.append(f"{rows_a_second:.1f} rows/s")
        parts.append(f"{count(round(tokens_a_second))} tokens/s")
        left = progress.seconds_left()
        parts.append(f"{duration(left)} left" if left is not None else "time left unknown")
        if progress.retries:
            parts.append(f"{count(progress.retries)} asked again")
    filled = round(progress.fraction * bar)
    line = Text("━" * filled, style="green")
    line.append("━" * (bar - filled), style="bright_black")
    return line.append(("  " if bar else "") + " · ".join(parts), style="default")
