"""A recipe with all that it points to: where it came from, its model's files, its template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builder.recipe import faults as fault
from builder.recipe.annotators import asks_engine
from builder.recipe.existing.columns_check import check_source_columns
from builder.recipe.existing.look import looked_at
from builder.recipe.load import load_recipe, recipe_path
from builder.recipe.model_source import is_folder, model_folder
from builder.recipe.rules_check import check_columns
from builder.recipe.schema import JudgeSpec, Recipe, SourceSpec
from builder.recipe.template import PromptTemplate, recipe_template
from builder.recipe.tokenizer_files import TokenizerFiles, load_tokenizer_files
from builder.recipe.tokens import encoder, special_texts


@dataclass(frozen=True)
class Source:
    """Where a recipe came from: a path or the name of a shipped recipe, and its `--set`s."""

    recipe: str
    overrides: tuple[str, ...] = ()

    @property
    def base(self) -> Path:
        """The folder that paths in the recipe are relative to."""
        return recipe_path(self.recipe).parent


@dataclass(frozen=True)
class Resolved:
    """A recipe and what it points to. `files` is None where it gives all of its template itself,
    and where its rows exist already and nothing asks its model.

    `judge` is the same recipe with the judge as its model and engine, None where its own judges.
    """

    source: Source
    recipe: Recipe
    files: TokenizerFiles | None
    template: PromptTemplate
    judge: Resolved | None = None

    @property
    def base(self) -> Path:
        """The folder that paths in the recipe are relative to."""
        return self.source.base

    @property
    def model_folder(self) -> Path | None:
        """The folder of the model's files; None for a model on the Hub."""
        model = self.recipe.model.id
        return model_folder(model, self.base) if is_folder(model, self.base) else None

    def encode(self) -> Callable[[str], list[int]]:
        """What turns a prompt into the model's token ids. Raises `TemplateError` without one."""
        return encoder(self._tokenizer_files())

    def special_texts(self) -> tuple[str, ...]:
        """Texts that the model's tokenizer never splits. Raises `TemplateError` without one."""
        return special_texts(self._tokenizer_files())

    def _tokenizer_files(self) -> TokenizerFiles:
        return self.files or load_files(self.recipe, self.base)


def resolve(source: Source, accept: Callable[[Recipe], None] | None = None) -> Resolved:
    """Read a recipe, look at the data set that its rows come from, and derive its template.

    `accept` may refuse the recipe before anything is fetched for it. Raises `RecipeError` with
    all faults of the recipe, `TemplateError`, or `UsageError` where its data set cannot be read.
    """
    recipe = load_recipe(source.recipe, source.overrides)
    if accept is not None:
        accept(recipe)
    if recipe.source is not None:
        recipe = _with_rows(source, recipe, recipe.source)
    files = None
    if not asks_engine(recipe):
        template = _of_existing(recipe)
    else:
        if recipe.template is None or None in recipe.template.model_dump().values():
            files = load_files(recipe, recipe_path(source.recipe).parent)
            recipe = _pinned(recipe, files)
        template = recipe_template(recipe, files)
    if recipe.judge is None:
        return Resolved(source, recipe, files, template)
    judge = _judge(source, recipe, recipe.judge)
    pinned = recipe.judge.model_copy(update={"model": judge.recipe.model})
    return Resolved(source, recipe.model_copy(update={"judge": pinned}), files, template, judge)


def _with_rows(source: Source, recipe: Recipe, rows: SourceSpec) -> Recipe:
    """The recipe with what was found in its data set; without a target it is all of its rows.

    Raises `RecipeError` where its rules or its cut need what no row of the data set has.
    """
    path = recipe_path(source.recipe)
    rows = looked_at(rows, path.parent)
    assert rows.found is not None
    changes: dict[str, object] = {"source": rows}
    if recipe.target.kept is None and recipe.target.sampled is None:
        changes["target"] = recipe.target.model_copy(update={"sampled": rows.found.rows})
    recipe = recipe.model_copy(update=changes)
    faults = [
        fault.Fault(str(path), None, fault.dotted(key), seen, mend)
        for key, seen, mend in (*check_columns(recipe), *check_source_columns(recipe))
    ]
    if faults:
        raise fault.recipe_error(str(path), faults)
    return recipe


def _of_existing(recipe: Recipe) -> PromptTemplate:
    """What is known of the template of rows that exist already; no model is asked with it."""
    found = recipe.source.found if recipe.source else None
    told = recipe.template.pre_query if recipe.template else found and found.pre_query
    return PromptTemplate(told or "", "", "", (), "", source="the data set")


def _judge(source: Source, recipe: Recipe, judge: JudgeSpec) -> Resolved:
    """The recipe as its judge sees it: another model and engine, and that model's own template."""
    instruction = recipe.instruction.model_copy(update={"system": None})
    changes = {
        "model": judge.model,
        "engine": judge.engine,
        "template": None,
        "instruction": instruction,
        "judge": None,
    }
    judging = recipe.model_copy(update=changes)
    files = load_files(judging, recipe_path(source.recipe).parent)
    judging = _pinned(judging, files)
    return Resolved(source, judging, files, recipe_template(judging, files))


def _pinned(recipe: Recipe, files: TokenizerFiles) -> Recipe:
    """The recipe with the commit that its revision means today, so that it can be rebuilt."""
    if not files.revision:
        return recipe
    model = recipe.model.model_copy(update={"revision": files.revision})
    return recipe.model_copy(update={"model": model})


def load_files(recipe: Recipe, base: Path) -> TokenizerFiles:
    """Read the tokenizer files of a recipe's model. Raises `TemplateError`."""
    return load_tokenizer_files(recipe.model.id, recipe.model.revision, base)
