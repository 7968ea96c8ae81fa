"""How a plan, an upload and a published release look."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from builder.cli.amounts import few_digits
from builder.cli.output import Output
from builder.cli.tables import count, duration, plain_table
from builder.release.push.hub import Watch
from builder.release.push.plan import Plan
from builder.release.push.publish import Published

MOST_FILES = 20
"""Files of a kind that a plan lists for people."""

MOST_LINES = 60
"""Lines of the card's difference that it shows."""

LOG_EVERY = 10.0
"""Seconds between two lines of an upload where there is no terminal to redraw."""


UPLOADING, READING = "uploading", "reading back"


def plan_block(plan: Plan, *, card: bool = False) -> Iterator[Table | str]:
    """Say what publishing does: to which repository, which version and why, which files.

    `card` shows the card's difference, too. Where nothing is to be done, the end says so.
    """
    if plan.holds is not None:
        if card:
            yield _nothing(plan)
        return
    table = plain_table("publish", plan.repo)
    table.add_row("version", Text(f"{plan.version.tag} ({'; '.join(plan.reasons)})"))
    table.add_row("split", f"{plan.split}, {count(plan.rows)} rows")
    table.add_row("repository", _repository(plan))
    table.add_row("to send", f"{_size(plan.bytes)} at most, in {len(plan.sent)} files")
    for name in ("added", "changed", "deleted", "kept"):
        table.add_row(name, Text(_listed(getattr(plan, name))))
    yield table
    if card and plan.card:
        more = len(plan.card) - MOST_LINES
        yield "\n" + "\n".join(plan.card[:MOST_LINES])
        if more > 0:
            yield f"... and {count(more)} lines more: --json has them all"


def published_words(done: Published) -> Iterator[str]:
    """Say what is published, and the line that loads it."""
    plan = done.plan
    if done.new:
        yield f"\nPublished to {plan.repo}: {plan.version.tag}, commit {done.commit[:7]}"
    else:
        yield _nothing(plan)
    if done.rows:
        read = ", ".join(
            f"{config}/{split} {count(rows)} rows"
            for config, splits in done.rows.items()
            for split, rows in splits.items()
        )
        yield f"Read back and compared: {read}"
    yield (
        f'\n  datasets.load_dataset("{plan.repo}", split="{plan.split}", '
        f'revision="{plan.version.tag}")'
    )


@contextlib.contextmanager
def watching(output: Output) -> Iterator[Watch]:
    """Show sentences and the upload while the block runs: a bar on a terminal, else lines."""
    if output.quiet:
        yield Watch()
    elif output.live.is_terminal:
        with _bar(output) as bar:
            yield _drawn(bar)
    else:
        yield _logged(output)


def _bar(output: Output) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=output.live,
        transient=True,
    )


def _drawn(bar: Progress) -> Watch:
    def moved(doing: str) -> Callable[[int, int], None]:
        task = bar.add_task(doing, visible=False)

        def show(done: int, everything: int) -> None:
            if not done:
                bar.reset(task, visible=False)  # its speed would be one of what went before
            bar.update(task, completed=done, total=everything, visible=done < everything)

        return show

    def tell(words: str) -> None:
        bar.console.print(Text(words))

    return Watch(tell=tell, sent=moved(UPLOADING), read=moved(READING))


def _logged(output: Output) -> Watch:
    def tell(words: str) -> None:
        output.live.print(Text(words), soft_wrap=True)

    return Watch(tell=tell, sent=_lines(UPLOADING, output), read=_lines(READING, output))


def _lines(doing: str, output: Output) -> Callable[[int, int], None]:
    began = last = time.monotonic()

    def show(done: int, everything: int) -> None:
        nonlocal last, began
        now = time.monotonic()
        if not done:
            began = last = now
        if now - last < LOG_EVERY:
            return
        last, speed = now, done / (now - began)
        left = duration((everything - done) / speed) if speed else "an unknown time"
        output.live.print(
            f"{doing} · {_size(done)} of {_size(everything)} · {_size(speed)}/s · {left} left",
            soft_wrap=True,
        )

    return show


def _nothing(plan: Plan) -> str:
    said = f"Nothing to publish: {plan.version.tag} of {plan.repo} holds this release already"
    return ", ".join([said, *plan.reasons[1:]])


def _size(number: float) -> str:
    """Bytes in few digits: 840 B, 12 kB."""
    return f"{few_digits(number)}B" if number >= 1000 else f"{number:.0f} B"


def _repository(plan: Plan) -> str:
    seen = "private" if plan.private else "public"
    return f"new, {seen}" if plan.parent is None else f"{seen}, at commit {plan.parent[:7]}"


def _listed(paths: Sequence[str]) -> str:
    if not paths:
        return "none"
    more = len(paths) - MOST_FILES
    return "\n".join([*paths[:MOST_FILES], *([f"and {count(more)} more"] if more > 0 else [])])
