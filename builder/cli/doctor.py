"""`magpie doctor`."""

from __future__ import annotations

import click

from builder.cli.arguments import set_option
from builder.cli.output import Output, output_options
from builder.errors import RunError


@click.command()
@click.argument("recipe", default="demo")
@set_option
@output_options
def doctor(recipe: str, overrides: tuple[str, ...], as_json: bool, quiet: bool) -> None:
    """Say what is missing on this machine for a recipe, and the mend.

    Without RECIPE: for the demo. For a recipe that starts a container: container engine, GPUs and
    their memory against the model's, shared memory, ports, token, access to the model, disk.
    Nothing is changed, pulled or generated.

    \b
    Examples:
      magpie doctor
      magpie doctor magpie-pro
    """
    from builder.cli.doctor_checks import examine
    from builder.cli.tables import plain_table
    from builder.recipe.resolve import Source

    output = Output(as_json=as_json, quiet=quiet)
    findings = examine(Source(recipe, overrides))
    table = plain_table("", "what", "found", "mend")
    for finding in findings:
        mark = "[green]ok[/]" if finding.fine else "[red]fails[/]"
        table.add_row(mark, finding.what, finding.found, finding.mend)
    output.say(table)
    output.document([finding.to_json() for finding in findings])
    failed = [finding.what for finding in findings if not finding.fine]
    if failed and as_json:
        raise click.exceptions.Exit(RunError.exit_status)  # the document says it all
    if failed:
        raise RunError(f"{recipe} cannot be built here yet: {', '.join(failed)}")
