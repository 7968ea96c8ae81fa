"""`magpie filter`, `magpie card`, `magpie publish`: from rows that are there to a release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from builder.cli.arguments import run_argument, set_option
from builder.cli.output import Output, output_options
from builder.errors import RunError
from builder.run.directory import RunDirectory


@click.command("filter")
@click.argument("run")
@click.option("--recipe", help="Another recipe file than the run was built from.")
@set_option
@output_options
def filter_(
    run: str, recipe: str | None, overrides: tuple[str, ...], as_json: bool, quiet: bool
) -> None:
    """Select anew after an edit of the rules.

    Reads the rules of the run's recipe as they are now, selects, and writes the release anew.
    Nothing is generated.

    \b
    Examples:
      magpie filter runs/demo
      magpie filter demo --set "rules.instruction.long-enough=instruction_length >= 40"
    """
    from builder.cli.build_view import report
    from builder.pipeline import filter_run, prepare
    from builder.recipe.resolve import Source

    directory = run_argument(run)
    was = directory.record().source
    source = Source(recipe or was.recipe, (*was.overrides, *overrides))
    built = filter_run(prepare(source, directory), directory)
    report(built, directory, Output(as_json=as_json, quiet=quiet))


@click.command()
@click.argument("run")
def card(run: str) -> None:
    """Render the card of a release anew.

    The card is made from the facts in the release alone; nothing is generated or selected.

    \b
    Example:
      magpie card runs/demo
    """
    from builder.release.card import write_card

    directory = run_argument(run)
    with directory.lock():
        folder = _release_of(directory)
        write_card(folder)
    click.echo(folder / "README.md")


@click.command()
@click.argument("run")
@click.option("--to", metavar="ORG/NAME|DIR", help="A repository on the Hub, or a folder.")
@click.option("--version", metavar="X.Y.Z", help="A higher version than the content asks for.")
@click.option(
    "--private/--public",
    default=None,
    help="What the repository has to be; a new one is public unless told.",
)
@click.option("--dry-run", is_flag=True, help="Show the exact plan, and send nothing.")
@output_options
def publish(run: str, to: str | None, as_json: bool, quiet: bool, **asked: Any) -> None:
    """Publish the release of a run.

    To the Hub: one commit, then a tag vX.Y.Z that is never moved, then everything is read back.
    Other splits of the repository stay byte for byte; its card is rendered anew over all. Stopped
    at any moment, the same command finishes what is begun, or says that all is done. Without --to
    it goes where the recipe says. The version follows from the content.

    Into a folder with --to ./DIR, in the same way: as a whole or not at all.

    \b
    Examples:
      magpie publish runs/demo --to ORG/NAME --dry-run
      magpie publish runs/demo --to ORG/NAME --private
      magpie publish runs/demo --to /data/sets/magpie-demo
    """
    from builder.cli import publishing

    directory, output = run_argument(run), Output(as_json=as_json, quiet=quiet)
    with directory.lock():
        publishing.publish_to(to, directory, _release_of(directory), output, **asked)


def _release_of(run: RunDirectory) -> Path:
    """The release of a run; one that a killed process left half put in place is put there."""
    from builder.release.folder_swap import recover

    recover(run.release_path)
    if not run.release_path.is_dir():
        raise RunError(f"{run.path} has no release yet", mend=f"Run: magpie filter {run.path}")
    return run.release_path
