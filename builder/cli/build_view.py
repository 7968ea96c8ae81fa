"""What a person sees of a build: the live line, the end, and how to go on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from rich.console import Group
from rich.live import Live
from rich.text import Text

from builder.cli.build_words import this_command
from builder.cli.ending import ending_of, ending_words, quota_table
from builder.cli.engine_words import live_words
from builder.cli.output import Output
from builder.cli.plan_words import plan_block, plan_line
from builder.cli.tables import count, duration, funnel_table
from builder.errors import InterruptedRunError
from builder.pipeline import Built
from builder.run.directory import RunDirectory
from builder.run.plan import Plan
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
        return
    progress.planned = _teller(output)
    if output.live.is_terminal:
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
    funnel, release, ending = built.funnel, built.release, ending_of(built.funnel, run)
    output.say(funnel_table(funnel.to_json()))
    if funnel.quotas is not None:
        output.say("", quota_table(funnel.quotas))
    output.say(*(f"\n{words}" for words in (*ending_words(ending), *release.notes)))
    output.say(
        f"\nRelease: {release.folder}  ({count(release.rows['raw'])} rows raw)\n\n"
        f"Look at it:\n"
        f"  magpie show {run.path}\n"
        f"  python -c \"import datasets; print(datasets.load_dataset('{release.folder}', "
        f"'filtered'))\"\n"
        f"  magpie report {run.path}\n"
        f"  less {release.folder}/README.md"
    )
    output.document(
        {
            "run": str(run.path),
            "release": str(release.folder),
            "split": release.split,
            "funnel": funnel.to_json(),
            "end": ending.to_json(),
            "notes": list(release.notes),
        }
    )


def _teller(output: Output) -> Callable[[Plan], None]:
    """What shows plans: the first as a block, a later one as a line where no live line has it."""
    shown: list[Plan] = []

    def tell(plan: Plan) -> None:
        told = plan.to_json()
        if not shown:
            output.live.print("", plan_block(told), "")
        elif not output.live.is_terminal:
            output.live.print(plan_line(told), soft_wrap=True)
        shown.append(plan)

    return tell


def _log(progress: Progress, output: Output, done: threading.Event) -> None:
    while not done.wait(LOG_EVERY):
        words = [*_words(progress), *live_words(progress)]
        output.live.print(" · ".join(words), soft_wrap=True)


def _lines(progress: Progress, width: int) -> Group:
    """How far and how fast, under it what the engine does, and under that the plan."""
    below = [" · ".join(live_words(progress))]
    if progress.plan is not None and progress.phase == "sampling":
        below.append(plan_line(progress.plan.to_json()))
    grey = (Text(words, style="bright_black") for words in below if words)
    return Group(_line(progress, width), *grey)


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
