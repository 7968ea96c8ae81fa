"""What people see of a preflight: its samples, a line each, and what was looked at."""

from __future__ import annotations

from rich.text import Text

from builder.cli.output import Output
from builder.engines.preflight.preflight import Preflight, Sample


def show(output: Output, found: Preflight) -> None:
    """Print a preflight where the progress is shown; quiet leaves it to run.json."""
    if not output.quiet:
        for line in preflight_lines(found, output.live.width):
            output.live.print(line, soft_wrap=not output.live.is_terminal)


def preflight_lines(found: Preflight, width: int) -> list[Text]:
    """A line for each sample, shortened to `width` columns, and one for all checks.

    A check that people should look at stands in yellow.
    """
    return [*(_sample_line(sample, width) for sample in found.samples), _checks_line(found)]


def _sample_line(sample: Sample, width: int) -> Text:
    """How it ended, how many tokens it has, and its beginning; line breaks show as ⏎."""
    told = f"{sample.finish_reason or 'failed':>6} {sample.tokens:>5}  "
    line = Text(told, style="" if sample.finish_reason == "stop" else "yellow")
    line.append(_one_line(sample.text if sample.answered else sample.error), style="default")
    line.truncate(max(width, 1), overflow="ellipsis")
    return line


def _checks_line(found: Preflight) -> Text:
    line = Text("Preflight: ")
    for number, check in enumerate(found.checks):
        line.append(" · " if number else "")
        style = "default" if check.fine else "yellow"
        line.append(f"{check.check}: {_one_line(check.found)}", style=style)
    return line


def _one_line(text: str) -> str:
    """The text without what would break its line or reach the terminal as a command."""
    broken = " ⏎ ".join(line.strip() for line in text.strip().splitlines() if line.strip())
    return "".join(letter if letter.isprintable() else " " for letter in broken)
