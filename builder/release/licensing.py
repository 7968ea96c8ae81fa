"""The licences of a split: which models worked on it, under what terms, and what follows.

The rule: what a licence asks of output binds whoever uses the rows, so every licence of a working
model that asks something stands on the card, that of the rows' own model in front. Where none asks
anything, the rows go under the licence of the model that wrote them. A licence that is not known
of a model whose words are in the rows, or that contradicts what the Hub says of it, refuses the
release from being published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from builder.recipe.annotators import Annotation, annotations_of, judges_of
from builder.recipe.existing.published import NAME as PUBLISHED
from builder.recipe.licenses import UNTOLD, known_license, license_of
from builder.recipe.model_source import is_hub_id
from builder.recipe.schema import ModelSpec, Recipe
from builder.release.columns import MODELS
from builder.release.machine import called
from builder.release.model_name import name_of

ROWS: Final = "instructions and responses"
"""What the recipe's own model gave."""

EARLIER: Final = "annotations that the data set had"
"""What models gave that judged the rows before a recipe took them from a data set."""


def model_licenses(recipe: Recipe, annotators: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every model that worked on the rows, with its licence and what it gave.

    `[{"model": "org/m", "license": "llama3", "name": None, "link": None, "gave": ["quality"],
    "text": True}, ...]`, the model of the rows in front. `license` is None where nobody told it;
    `text` says whether words of the model are in the rows, not numbers alone. `annotators` are the
    facts of them.
    """
    found: dict[str, dict[str, Any]] = {}
    counted = {one["name"]: [model["model"] for model in one["models"]] for one in annotators}
    _add(found, _told(recipe.model), ROWS, text=True)
    for one in annotations_of(recipe):
        text = _writes_text(one)
        gave = EARLIER if one.name == PUBLISHED else one.name
        for entry in _workers(recipe, one, counted.get(one.name, [])):
            _add(found, entry, gave, text=text)
    return list(found.values())


def _add(found: dict[str, dict[str, Any]], entry: dict[str, Any], gave: str, *, text: bool) -> None:
    known = found.setdefault(entry["model"], {**entry, "gave": [], "text": False})
    known["license"] = known["license"] or entry["license"]
    known["gave"] += [gave] if gave not in known["gave"] else []
    known["text"] = known["text"] or text


def _told(model: ModelSpec) -> dict[str, Any]:
    """What a recipe says of a model."""
    return {
        "model": name_of(model),
        "license": model.license,
        "name": model.license_name,
        "link": model.license_link,
    }


def _workers(recipe: Recipe, one: Annotation, counted: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the models of an annotator: the judge, those of its options, else those it named."""
    if one.name in judges_of(recipe):
        yield _told((recipe.judge or recipe).model)
        return
    named = list(_models(one.options.model_dump(mode="json")))
    for name in dict.fromkeys(called(name) for name in named or counted):
        if is_hub_id(name) or _writes_text(one):  # what is built in, such as `lexical`, is no model
            yield _of_name(recipe, name)


def _models(options: Mapping[str, Any]) -> Iterator[str]:
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _models(value)
        elif key == "model" and isinstance(value, str):
            yield value


def _of_name(recipe: Recipe, name: str) -> dict[str, Any]:
    """What is known of a model by its name alone."""
    own = [model for model in (recipe.model, *_judge(recipe)) if name_of(model) == name]
    if own:
        return _told(own[0])
    told = recipe.publish.licenses if recipe.publish else {}
    license_ = told.get(name) or known_license(name)
    return {"model": name, "license": license_, "name": None, "link": None}


def _judge(recipe: Recipe) -> tuple[ModelSpec, ...]:
    return (recipe.judge.model,) if recipe.judge else ()


def _writes_text(one: Annotation) -> bool:
    """Whether an annotator writes words of a model into the rows; names of models are none."""
    return any(
        output.kind.base_type() in (pl.String, pl.Enum, pl.List) and not name.endswith(MODELS)
        for name, output in one.annotator.writes.items()
        if output.place != "run"
    )


def licenses_of(facts: Mapping[str, Any]) -> list[str]:
    """Return the licences that a split's rows go under, by the rule of this module."""
    told = [(one["license"], one) for one in facts["licenses"] if one["license"]]
    binding = [key for key, one in told if license_of(key).asks or (key in UNTOLD and one["text"])]
    return list(dict.fromkeys(binding)) or [facts["licenses"][0]["license"]]


def license_problem(facts: Mapping[str, Any]) -> str | None:
    """Return why a split must not be published as far as licences go; None where it may.

    Two sentences: what is wrong, and what to write into the recipe.
    """
    for one in facts.get("licenses") or [_only_model(facts)]:
        problem = _problem(one, own=ROWS in one["gave"])
        if problem:
            return problem
    return None


def _only_model(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What facts of an older release tell."""
    model = facts["model"]
    told = {"license": model["license"], "name": None, "link": None}
    return {"model": model["id"], **told, "gave": [ROWS], "text": True}


def _problem(one: Mapping[str, Any], *, own: bool) -> str | None:
    model, key = one["model"], one["license"]
    section = "model" if own else "the judge's model"
    known = known_license(model) if is_hub_id(model) else None
    if known and key != known:
        return (
            f"the recipe says that {model} is under {key}, and on the Hub it is under {known}. "
            f"Write license: {known}, then run `magpie filter RUN`."
        )
    if key is None and one["text"]:
        what = ", ".join(one["gave"])
        return (
            f"the licence of {model} is not known, and the rows hold what it wrote ({what}). "
            f"Write `licenses: {{{model}: ID}}` below publish, then run `magpie filter RUN`."
        )
    if key == "other" and not (one["name"] and one["link"]):
        return (
            f"the licence of {model} has no name: `other` says nothing of what it asks. Write "
            f"license_name and license_link below {section}, then run `magpie filter RUN`."
        )
    if key == "unknown":
        return (
            f"the licence of {model} is unknown. Find out what it is and write it as license below "
            f"{section}, then run `magpie filter RUN`."
        )
    return None
