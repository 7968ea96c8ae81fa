"""`magpie build`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from builder.cli.arguments import set_option
from builder.cli.output import Output, output_options
from builder.run.directory import RUNS


@click.command()
@click.argument("recipe")
@click.option("--run", "run_path", type=click.Path(path_type=Path), help="The run directory.")
@click.option("--kept", type=click.IntRange(min=1), help="Go on until N rows are kept.")
@click.option("--sampled", type=click.IntRange(min=1), help="Sample N rows, however many stay.")
@click.option("--engine", metavar="KIND", help="Use this engine in place of the recipe's.")
@click.option("--endpoint", multiple=True, metavar="URL", help="Where it answers. Repeatable.")
@set_option
@click.option(
    "--budget-gpu-hours",
    "budget",
    metavar="X",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop, resumable, once the run has used X hours of its GPUs (none counts as one).",
)
@output_options
def build(recipe: str, **options: object) -> None:
    """Start or resume a run, up to a finished release.

    RECIPE is a file, or the name of a recipe that comes with magpie (`magpie recipe list`). The
    run goes to runs/NAME. The same command goes on with a run that was stopped, however it was.

    \b
    Examples:
      magpie build demo
      magpie build mine.yaml --kept 500 --run /data/mine
      magpie build demo --set instruction.max_tokens=64 --set seed=7
    """
    from builder.cli.build_view import report, resumable, watching
    from builder.cli.build_words import budget_of, overrides_of
    from builder.cli.preflight_view import show
    from builder.pipeline import build as build_run
    from builder.pipeline import prepare
    from builder.recipe.load import load_recipe
    from builder.recipe.resolve import Source
    from builder.run.directory import RunDirectory
    from builder.run.progress import Progress

    output = Output(as_json=bool(options["as_json"]), quiet=bool(options["quiet"]))
    source = Source(recipe, overrides_of(options))
    name = load_recipe(source.recipe, source.overrides).name
    path = options["run_path"]
    run = RunDirectory(path if isinstance(path, Path) else RUNS / name)
    resolved = prepare(source, run)
    progress = Progress()
    with resumable(run, progress), watching(progress, output):
        built = build_run(resolved, run, progress, budget_of(options), partial(show, output))
    report(built, run, output)
