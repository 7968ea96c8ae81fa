"""`magpie serve`, `magpie stop` and `magpie logs`: the containers by themselves."""

from __future__ import annotations

import click

from builder.cli.arguments import set_option
from builder.cli.output import Output, output_options


@click.command()
@click.argument("recipe")
@set_option
@output_options
def serve(recipe: str, overrides: tuple[str, ...], as_json: bool, quiet: bool) -> None:
    """Start the containers that serve a recipe's model, and leave them running.

    It ends once they are ready. A `magpie build` of the same recipe then uses them, and leaves
    them as they are. Those that run already are not started again.

    \b
    Examples:
      magpie serve magpie-air
      magpie serve magpie-pro --set engine.port=9000 --set engine.num_shard=4
    """
    from builder.cli.server_view import report_served, stoppable, telling
    from builder.cli.serving import wanted
    from builder.server.ready import Ears
    from builder.server.serving import serving

    output = Output(as_json=as_json, quiet=quiet)
    with telling(output) as tell, stoppable():
        spec, request = wanted(recipe, overrides)
        with serving(spec, request, Ears(tell)) as running:
            pass
    report_served(request.recipe, running, output)


@click.command()
@click.argument("recipe", required=False)
@click.option("--all", "everything", is_flag=True, help="Stop the servers of all recipes.")
@output_options
def stop(recipe: str | None, everything: bool, as_json: bool, quiet: bool) -> None:
    """Stop what `magpie serve` started, and what a crashed build left over.

    RECIPE is the name of its recipe; it may be left out where there is only one. Servers of a
    build that is at work are left alone: stop the build.

    \b
    Examples:
      magpie stop
      magpie stop magpie-pro
      magpie stop --all
    """
    from builder.cli.server_view import report_stopped
    from builder.cli.serving import recipe_name
    from builder.errors import UsageError
    from builder.server.client import connected
    from builder.server.leftovers import containers_of_ours
    from builder.server.standing import servers_of, stop_servers

    if recipe is not None and everything:
        raise UsageError("RECIPE and --all exclude each other", mend="Leave one of them out.")
    with connected() as engine:
        name = recipe_name(recipe)
        chosen = containers_of_ours(engine) if everything else servers_of(engine, name)
        ended, busy = stop_servers(engine, chosen)
    report_stopped(ended, busy, Output(as_json=as_json, quiet=quiet))


@click.command()
@click.argument("recipe", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on as long as the server does.")
@click.option("-n", "--lines", type=click.IntRange(min=0), help="Only the last N lines of each.")
def logs(recipe: str | None, follow: bool, lines: int | None) -> None:
    """Show what the servers of a recipe say.

    RECIPE is the name of its recipe; it may be left out where there is only one. The servers of a
    build write into server.log of its run, too, which stays when they end.

    \b
    Examples:
      magpie logs
      magpie logs magpie-pro -f -n 20
    """
    from builder.cli.serving import recipe_name
    from builder.errors import ServerError
    from builder.server.client import connected
    from builder.server.standing import log_lines, servers_of

    with connected() as engine:
        chosen = servers_of(engine, recipe_name(recipe))
        if not chosen:
            raise ServerError(
                "there is no server of ours", mend="`magpie serve RECIPE` starts one."
            )
        for line in log_lines(engine, chosen, lines, follow):
            click.echo(line)
