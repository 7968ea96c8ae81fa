"""`magpie filter`, `magpie card`, `magpie publish`: from rows that are there to a release."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.arguments import run_argument, set_option
from builder.cli.output import Output, output_options
from builder.errors import RunError, UsageError
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
@click.option("--to", required=True, metavar="DIR", help="The folder that gets the release.")
@output_options
def publish(run: str, to: str, as_json: bool, quiet: bool) -> None:
    """Publish the release of a run.

    Into a folder: --to DIR. A folder that holds a release with other splits keeps them, and its
    card is rendered anew over all. It is changed as a whole or not at all.

    \b
    Example:
      magpie publish runs/demo --to /data/sets/magpie-demo
    """
    from builder.release.copy import copy_release

    directory = run_argument(run)
    _refuse_repository(to)
    with directory.lock():
        splits = copy_release(_release_of(directory), Path(to))
    output = Output(as_json=as_json, quiet=quiet)
    output.say(f"Published to {to}: split {', '.join(splits)}")
    output.document({"to": to, "splits": splits})


def _release_of(run: RunDirectory) -> Path:
    """The release of a run; one that a killed process left half put in place is put there."""
    from builder.release.folder_swap import recover

    recover(run.release_path)
    if not run.release_path.is_dir():
        raise RunError(f"{run.path} has no release yet", mend=f"Run: magpie filter {run.path}")
    return run.release_path


def _refuse_repository(to: str) -> None:
    """Refuse ORG/NAME, which means a repository on the Hub: nobody wants a folder of that name."""
    path = Path(to)
    if to.count("/") == 1 and not to.startswith((".", "/", "~")) and not path.parent.is_dir():
        raise UsageError(
            f"--to {to} names a repository on the Hub, and this version publishes into folders",
            mend=f"Write --to ./{to} for a folder. To upload it: hf upload {to} DIR "
            "--repo-type dataset",
        )
