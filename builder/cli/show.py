"""`magpie show`."""

from __future__ import annotations

import click

from builder.cli.arguments import run_argument
from builder.cli.output import Output, output_options


@click.command()
@click.argument("run")
@click.option(
    "-n", "number", type=click.IntRange(min=1), default=5, show_default=True, help="Rows."
)
@click.option("--dropped", is_flag=True, help="Rows that were dropped, with their reason.")
@click.option("--reason", metavar="RULE", help="Rows that this rule dropped.")
@click.option("--row", type=click.IntRange(min=0), help="The row of this number.")
@output_options
def show(run: str, number: int, row: int | None, **options: object) -> None:
    """Read rows of a run, dropped ones with their reason.

    Without options: rows that were kept, spread over the run.

    \b
    Examples:
      magpie show runs/demo
      magpie show demo --dropped -n 20
      magpie show demo --reason duplicate --json
    """
    from builder.cli.show_view import panels
    from builder.run.reading import Wanted, read_rows

    output = Output(as_json=bool(options["as_json"]), quiet=bool(options["quiet"]))
    reason = options["reason"]
    wanted = Wanted(
        number=number,
        row=row,
        dropped=bool(options["dropped"]),
        reason=reason if isinstance(reason, str) else None,
    )
    rows = read_rows(run_argument(run), wanted)
    output.say(*panels(rows) if rows else ["No such rows."])
    output.document(rows)
