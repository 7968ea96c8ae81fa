"""`magpie recipe list|show|check|new`."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.arguments import set_option
from builder.cli.output import Output, output_options
from builder.errors import RecipeError, UsageError


@click.group()
def recipe() -> None:
    """List, show, check and start recipes.

    \b
    Examples:
      magpie recipe list
      magpie recipe check mine.yaml
    """


@recipe.command("list")
@output_options
def list_(as_json: bool, quiet: bool) -> None:
    """List the recipes that come with magpie.

    \b
    Example:
      magpie recipe list
    """
    from builder.cli.tables import plain_table
    from builder.recipe.load import load_recipe, shipped_recipes

    output = Output(as_json=as_json, quiet=quiet)
    recipes = [load_recipe(path) for path in shipped_recipes()]
    table = plain_table("name", "version", "model", "summary")
    for shipped in recipes:
        table.add_row(shipped.name, shipped.version, shipped.model.id, shipped.summary)
    output.say(table)
    output.document([shipped.model_dump(mode="json") for shipped in recipes])


@recipe.command()
@click.argument("recipe")
@set_option
@output_options
def show(recipe: str, overrides: tuple[str, ...], as_json: bool, quiet: bool) -> None:
    """Show what a recipe sends to its model.

    Prints the pre-query template, the prompt that asks for a response, the stops and, where the
    model has a tokenizer, the token ids.

    \b
    Examples:
      magpie recipe show demo
      magpie recipe show mine.yaml --set model.revision=main --json
    """
    from builder.cli.recipe_view import as_document, as_table
    from builder.recipe.resolve import Source, resolve

    output = Output(as_json=as_json, quiet=quiet)
    document = as_document(resolve(Source(recipe, overrides)))
    output.say(as_table(document))
    output.document(document)


@recipe.command()
@click.argument("recipe")
@set_option
@output_options
def check(recipe: str, overrides: tuple[str, ...], as_json: bool, quiet: bool) -> None:
    """Say everything that is wrong with a recipe, with its line and what to write.

    Rules are checked against the columns that will exist. Nothing is fetched and nothing is run.

    \b
    Examples:
      magpie recipe check mine.yaml
      magpie recipe check demo --set target.kept=0
    """
    from builder.recipe.load import check_recipe

    output = Output(as_json=as_json, quiet=quiet)
    faults = [str(fault) for fault in check_recipe(recipe, overrides)]
    if faults:
        number = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise RecipeError(f"{recipe}: {number}", faults=tuple(faults))
    output.say(f"{recipe}: no faults")
    output.document({"recipe": recipe, "faults": []})


@recipe.command()
@click.argument("name")
@click.option("--model", default="demo", show_default=True, help="ORG/NAME, a folder, or demo.")
@click.option("--to", type=click.Path(path_type=Path), help="The file; else NAME.yaml.")
def new(name: str, model: str, to: Path | None) -> None:
    """Write a recipe to start from.

    It passes the check as it stands, and its comments say what each value does.

    \b
    Examples:
      magpie recipe new mine
      magpie recipe new mine --model meta-llama/Meta-Llama-3-8B-Instruct
    """
    from builder.recipe.new import new_recipe

    path = to or Path(f"{name}.yaml")
    text = new_recipe(name, model)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already", mend="Name another file: --to FILE") from error
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"{path}\nNext: magpie recipe check {path}, then magpie build {path}")
