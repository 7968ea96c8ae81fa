"""`magpie status`."""

from __future__ import annotations

import click

from builder.cli.arguments import run_argument
from builder.cli.output import Output, output_options
from builder.run.directory import RUNS


@click.command()
@click.argument("run", required=False)
@output_options
def status(run: str | None, as_json: bool, quiet: bool) -> None:
    """Say how far runs have come.

    Without RUN: all runs in runs/, a line each. With it: its funnel, speed, tokens
    and time, its plan while it is not released, and what each stage has used.

    \b
    Examples:
      magpie status
      magpie status runs/demo --json
    """
    from builder.cli.status_view import one_run, overview
    from builder.run.directory import runs_in
    from builder.run.status import status_of

    output = Output(as_json=as_json, quiet=quiet)
    if run is not None:
        state = status_of(run_argument(run))
        output.say(one_run(state))
        output.document(state.to_json())
        return
    states = [status_of(directory) for directory in runs_in(RUNS)]
    output.say(overview(states) if states else f"No runs in {RUNS}/. Start one: magpie build demo")
    output.document([state.to_json() for state in states])
