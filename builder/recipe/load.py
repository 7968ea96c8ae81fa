"""Read a recipe and say all that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from builder.recipe import faults as fault
from builder.recipe import overrides as sets
from builder.recipe.faults import Fault, KeyPath, dotted
from builder.recipe.schema import Recipe
from builder.recipe.source import (
    UnreadableError,
    read_recipe_text,
    recipe_path,
    shipped_recipes,
)
from builder.recipe.validate import Complaint, validate
from builder.recipe.yaml_text import Document, parse_yaml

__all__ = ["check_recipe", "load_recipe", "recipe_path", "shipped_recipes"]


def load_recipe(source: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe at a path, or the shipped one of that name, with `--set` texts applied.

    Raises `RecipeError`, which carries all faults, when there is any. What keeps its rows from
    being published alone is none here: `check_recipe` tells of it, and `magpie publish` refuses.
    """
    recipe, faults = _examine(source, overrides, _later_checks)
    if recipe is None or faults:
        raise fault.recipe_error(str(recipe_path(source)), faults)
    return recipe


def check_recipe(source: str | Path, overrides: Sequence[str] = ()) -> tuple[Fault, ...]:
    """Return all faults of a recipe by line, those of `--set` last; none where it can be built,
    and published where it says so.
    """
    return fault.in_order(_examine(source, overrides, _all_checks)[1])


def _examine(
    source: str | Path,
    overrides: Sequence[str],
    later: Callable[[Recipe, Path], Iterable[Complaint]],
) -> tuple[Recipe | None, list[Fault]]:
    path = recipe_path(source)
    sets_read, faults = sets.read_overrides(overrides)
    try:
        document = parse_yaml(read_recipe_text(path), str(path))
    except UnreadableError as error:
        return None, [error.fault, *faults]
    faults += document.faults
    if not document.values:
        return None, faults
    origins, unwritten = sets.apply(sets_read, document)
    faults += unwritten
    place = _Places(document, origins)
    recipe, complaints = validate(document.values)
    said = {item.key for item in faults}
    faults += place.faults(item for item in complaints if dotted(item[0]) not in said)
    faults += place.faults(later(recipe, path.parent), unless=faults)
    return recipe, faults


def _later_checks(recipe: Recipe, base: Path) -> Iterable[Complaint]:
    from builder.recipe.rules_check import check_columns  # Polars is slow to import
    from builder.recipe.semantics import check_semantics

    yield from check_semantics(recipe, base)
    yield from check_columns(recipe)


def _all_checks(recipe: Recipe, base: Path) -> Iterable[Complaint]:
    from builder.recipe.license_check import check_publishable

    yield from _later_checks(recipe, base)
    yield from check_publishable(recipe)


class _Places:
    """Says for a path of the recipe which line, or which `--set`, it came from."""

    def __init__(self, document: Document, origins: dict[KeyPath, str]) -> None:
        self.document = document
        self.origins = origins

    def faults(self, complaints: Iterable[Complaint], unless: Sequence[Fault] = ()) -> list[Fault]:
        """Return complaints as faults.

        Those about a value that `unless` already finds fault with, or about a section around it,
        are left out: they would speak of a stand-in.
        """
        known = [item.key for item in unless]
        return [
            self.fault(*complaint)
            for complaint in complaints
            if not any(_related(dotted(complaint[0]), key) for key in known)
        ]

    def fault(self, path: KeyPath, message: str, mend: str) -> Fault:
        where = next((self.origins[p] for p in _upwards(path) if p in self.origins), None)
        key = dotted(path)
        if where is not None:
            return Fault(where, None, key, message, mend, self.seen(path))
        seen = self.seen(path)
        raw = self.document.raw.get(path)
        if raw in _SURPRISING:
            message = f"{message}, which is how YAML reads {raw}"
        return Fault(self.document.file, self.document.line(path), key, message, mend, seen)

    def seen(self, path: KeyPath) -> str:
        """Return the value at a path as messages show it, '' where there is none."""
        value: Any = self.document.values
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return ""
        return fault.show(value)


_SURPRISING = frozenset("y n yes no on off Yes No On Off YES NO ON OFF".split())  # noqa: SIM905
"""Words that YAML 1.1 reads as true or false."""


def _upwards(path: KeyPath) -> Iterable[KeyPath]:
    for length in range(len(path), 0, -1):
        yield path[:length]


def _related(one: str, other: str) -> bool:
    """Tell whether two keys are the same or one holds the other."""
    short, long = sorted((one, other), key=len)
    return bool(short) and (long == short or long.startswith((f"{short}.", f"{short}[")))
