"""`magpie report`."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.arguments import run_argument
from builder.cli.output import Output, output_options
from builder.cli.tables import count

MOST = 50_000
"""Rows that a page may have: some 100 MB, about what a browser still opens in good time."""


@click.command()
@click.argument("run")
@click.option("--to", metavar="FILE", help="The file that is written.  [default: RUN/report.html]")
@click.option(
    "--rows",
    type=click.IntRange(1, MOST),
    default=5000,
    show_default=True,
    help="Rows on the page.",
)
@output_options
def report(run: str, to: str | None, rows: int, **options: bool) -> None:
    """Make an HTML page to explore a run: charts, map and rows in one file.

    It opens in a browser from the disk, and fetches nothing. Where the run has more rows than
    --rows, those on the page are spread over the run, kept and dropped ones.

    \b
    Examples:
      magpie report runs/demo
      magpie report demo --to demo.html --rows 20000
    """
    from builder.release.plots.points import MAP_FILE
    from builder.release.report.places import read_places
    from builder.release.report.report import write_report

    directory = run_argument(run)
    path = Path(to) if to else directory.path / "report.html"
    places = read_places(directory.path / MAP_FILE)
    made = write_report(directory.release_path, path, rows, places)
    output = Output(**options)
    output.say(
        f"{made.path}: {count(made.rows)} of {count(made.of)} rows, {made.size / 1e6:.1f} MB",
        *([f"No map: {made.no_map}"] if made.no_map else []),
    )
    output.document(made.to_json())
