"""Checks what a recipe says of licences, as far as it can be told before anything is published.

What can never be true is a fault of any recipe: a licence that the Hub does not know, or another
one than a model is known to be under. What is missing where the recipe says where to publish is
told by the check alone: `magpie publish` refuses the rows until the recipe says it, but they can be
made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.annotate import registry
from builder.recipe.annotators import judges_of
from builder.recipe.faults import KeyPath, nearest, show
from builder.recipe.licenses import LICENSES, known_license, known_of, license_of, only_improve
from builder.recipe.model_source import is_hub_id
from builder.recipe.model_use import named_models, writes_text
from builder.recipe.schema import ModelSpec, Recipe
from builder.recipe.validate import Complaint


@dataclass(frozen=True)
class _Told:
    """A licence that a recipe tells: where, of which model, and whether by a name and a link."""

    path: KeyPath
    model: str
    license: str
    named: bool = False


def check_licenses(recipe: Recipe) -> Iterator[Complaint]:
    """Find what can never be true of licences. Yields path, what was seen, what to write."""
    for one in _told(recipe):
        yield from _wrong(one)


def check_publishable(recipe: Recipe) -> Iterator[Complaint]:
    """Find what keeps rows from the place where the recipe wants them published."""
    if recipe.publish is None:
        return
    for one in _told(recipe):
        yield from _unnamed(one)
    yield from _untold(recipe)
    yield from _together(recipe)


def _told(recipe: Recipe) -> Iterator[_Told]:
    yield _of_section(("model",), recipe.model)
    if recipe.judge:
        yield _of_section(("judge", "model"), recipe.judge.model)
    for name, seen in (recipe.publish.licenses if recipe.publish else {}).items():
        yield _Told(("publish", "licenses", name), name, seen)


def _of_section(path: KeyPath, model: ModelSpec) -> _Told:
    named = bool(model.license_name and model.license_link)
    return _Told((*path, "license"), model.id, model.license, named)


def _wrong(told: _Told) -> Iterator[Complaint]:
    """A licence that the Hub does not know, or that contradicts the table."""
    seen = told.license
    if seen not in LICENSES:
        near = nearest(seen, LICENSES)
        mend = f"did you mean {near}?" if near else "write a licence id of the Hub, or other"
        yield told.path, f"{show(seen)} is no licence that the Hub knows", mend
        return
    known = known_of(told.model) if is_hub_id(told.model) else None
    if known and known.license != seen:
        why = f" ({known.why})" if known.why else ""
        message = f"saw {show(seen)}, but {told.model} is under {known.license}{why}"
        yield told.path, message, f"write {known.license}"


def _unnamed(told: _Told) -> Iterator[Complaint]:
    """A licence of which nobody can tell what it asks."""
    if told.license == "unknown":
        message = 'saw "unknown": rows under it cannot be published'
        yield told.path, message, "write the licence of the model, as its page on the Hub says it"
    elif told.license == "other" and not told.named:
        message = 'saw "other", which names no licence: rows under it cannot be published'
        if told.path[0] == "publish":
            yield told.path, message, "write the id of the model's licence"
        else:
            yield told.path, message, "write license_name and license_link beside it"


def _untold(recipe: Recipe) -> Iterator[Complaint]:
    """Models whose words come into the rows, and whose licence neither table nor recipe tells."""
    for name in _writers(recipe):
        if _named_license(recipe, name) is None:
            message = f"nothing tells the licence of {name}, whose words come into the rows"
            yield ("publish", "licenses"), message, f"write licenses: {{{name}: ID}} below publish"


def _together(recipe: Recipe) -> Iterator[Complaint]:
    """Licences that together leave no model that may be improved with the rows."""
    if recipe.publish is None or recipe.publish.no_training:
        return
    models = [recipe.model.license]
    if recipe.judge and judges_of(recipe):
        models.append(recipe.judge.model.license)
    others = (_named_license(recipe, name) for name in _named(recipe))
    keys = list(dict.fromkeys([*models, *(key for key in others if key)]))
    only = only_improve(keys)
    if len(only) > 1:
        reserved = " and ".join(key for key in keys if license_of(key).only)
        message = (
            f"{reserved} together let nobody train on the rows: each reserves them for its own "
            f"models ({', '.join(only)})"
        )
        mend = "use models under one of the two, or write no_training: true below publish"
        yield ("publish",), message, mend


def _writers(recipe: Recipe) -> list[str]:
    return [name for name in _named(recipe, text=True) if is_hub_id(name)]


def _named(recipe: Recipe, *, text: bool = False) -> list[str]:
    """Models that annotators are told to ask, those that write `text` alone where it is asked."""
    found: list[str] = []
    for name, options in recipe.annotators.items():
        if name in registry.names() and name not in judges_of(recipe):
            annotator = registry.annotator(name)
            if not text or writes_text(annotator):
                found += named_models(options)
    return list(dict.fromkeys(found))


def _named_license(recipe: Recipe, name: str) -> str | None:
    own = (recipe.model, *((recipe.judge.model,) if recipe.judge else ()))
    said = next((model.license for model in own if model.id == name), None)
    told = recipe.publish.licenses if recipe.publish else {}
    return said or told.get(name) or known_license(name)
