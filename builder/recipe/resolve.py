"""A recipe with all that it points to: where it came from, its model's files, its template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builder.recipe.load import load_recipe, recipe_path
from builder.recipe.model_source import is_folder, model_folder
from builder.recipe.schema import JudgeSpec, Recipe
from builder.recipe.template import PromptTemplate, recipe_template
from builder.recipe.tokenizer_files import TokenizerFiles, load_tokenizer_files
from builder.recipe.tokens import encoder, special_texts


@dataclass(frozen=True)
class Source:
    """Where a recipe came from: a path or the name of a shipped recipe, and its `--set`s."""

    recipe: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resolved:
    """A recipe and what it points to. `files` is None where it gives all of its template itself.

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
        return recipe_path(self.source.recipe).parent

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
    """Read a recipe and derive its template.

    `accept` may refuse the recipe before anything is fetched for it. Raises `RecipeError` with
    all faults of the recipe, or `TemplateError`.
    """
    recipe = load_recipe(source.recipe, source.overrides)
    if accept is not None:
        accept(recipe)
    files = None
    if recipe.template is None or None in recipe.template.model_dump().values():
        files = load_files(recipe, recipe_path(source.recipe).parent)
        recipe = _pinned(recipe, files)
    template = recipe_template(recipe, files)
    if recipe.judge is None:
        return Resolved(source, recipe, files, template)
    judge = _judge(source, recipe, recipe.judge)
    pinned = recipe.judge.model_copy(update={"model": judge.recipe.model})
    return Resolved(source, recipe.model_copy(update={"judge": pinned}), files, template, judge)


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
