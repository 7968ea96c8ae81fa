"""The licences of a split: which models worked on it, under what terms, and what follows.

The rule: what a licence asks of output binds whoever uses the rows, so every licence of a working
model that asks something stands on the card, that of the rows' own model in front. So does one that
is no permissive one, where words of its model are in the rows: none that forbids commercial use is
hidden behind another. Where neither is so, the rows go under the licence of the model that wrote
them. Not to be published is a release with a licence that is not known of a model whose words are
in the rows, or that contradicts the table, and with licences that together let nobody train on the
rows, until the recipe says so. The lack of an agreement's text is told, and refuses nothing: the
agreements ask for a copy with the model and with what uses it, of which rows are the remotest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from builder.recipe.annotators import Annotation, annotations_of, judges_of
from builder.recipe.existing.published import NAME as PUBLISHED
from builder.recipe.licenses import known_license, known_of, license_of, only_improve
from builder.recipe.model_source import is_hub_id
from builder.recipe.model_use import named_models, writes_text
from builder.recipe.schema import ModelSpec, Recipe
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
        text = writes_text(one.annotator)
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
    named = list(named_models(one.options.model_dump(mode="json")))
    for name in dict.fromkeys(called(name) for name in named or counted):
        if is_hub_id(name) or writes_text(
            one.annotator
        ):  # what is built in, such as `lexical`, is no model
            yield _of_name(recipe, name)


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


def stated(recipe: Recipe) -> dict[str, Any]:
    """Return what the facts keep of a recipe's own word on licences: `{"no_training": True}`."""
    return {"no_training": True} if recipe.publish and recipe.publish.no_training else {}


def licenses_of(facts: Mapping[str, Any]) -> list[str]:
    """Return the licences that a split's rows go under, by the rule of this module."""
    binding = [one["license"] for one in facts["licenses"] if binds(one)]
    return list(dict.fromkeys(binding)) or [facts["licenses"][0]["license"]]


def binds(one: Mapping[str, Any]) -> bool:
    """Whether the licence of a model that worked on the rows goes with them."""
    if not one["license"]:
        return False
    known = license_of(one["license"])
    return bool(known.asks) or (one["text"] and not known.permissive)


def reserved_for(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the models that the rows are reserved for: of several, none may be trained on them."""
    return only_improve(licenses_of(facts))


def license_problem(facts: Mapping[str, Any]) -> str | None:
    """Return why a split must not be published as far as licences go; None where it may.

    Two sentences: what is wrong, and what to write into the recipe, or where to get a text.
    """
    told = facts.get("licenses") or [_only_model(facts)]
    problems = [
        *(_problem(one, own=ROWS in one["gave"]) for one in told),
        _conflict({**facts, "licenses": told}),
    ]
    return next((problem for problem in problems if problem), None)


def missing_agreements(facts: Mapping[str, Any]) -> list[str]:
    """Tell of each agreement that should lie in the release with its model's words and does not.

    Two sentences for each: what is missing, and where to get it.
    """
    told = (_without_text(one) for one in facts.get("licenses", []))
    return [sentence for sentence in told if sentence]


def _without_text(one: Mapping[str, Any]) -> str | None:
    if not one["text"] or "agreement" not in one or one["agreement"]:
        return None
    model, known = one["model"], license_of(one["license"])
    get = "Save it into the model's folder as LICENSE; or"
    if is_hub_id(model):
        page = f"https://huggingface.co/{model}"
        get = f"Accept the licence at {page} and set HF_TOKEN, if its files hold it; or save it"
    return (
        f"The release holds no copy of the {known.name}, under which {model} is. {get} "
        f"as licenses/{model}/LICENSE beside the recipe ({known.link}). Then run "
        "`magpie filter RUN`."
    )


def _conflict(facts: Mapping[str, Any]) -> str | None:
    reserved = reserved_for(facts)
    if len(reserved) < 2 or facts.get("no_training"):
        return None
    keys = [key for key in licenses_of(facts) if license_of(key).only]
    return (
        f"{' and '.join(keys)} together let nobody train on the rows: each reserves them for its "
        f"own models ({', '.join(reserved)}). Use models under one of the two; or, if the rows are "
        "for reading and testing alone, write no_training: true below publish, then run "
        "`magpie filter RUN`."
    )


def _only_model(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What facts of an older release tell."""
    model = facts["model"]
    told = {"license": model["license"], "name": None, "link": None}
    return {"model": model["id"], **told, "gave": [ROWS], "text": True}


def _problem(one: Mapping[str, Any], *, own: bool) -> str | None:
    model, key = one["model"], one["license"]
    section = "model" if own else "the judge's model"
    known = known_of(model) if is_hub_id(model) else None
    if known and key and key != known.license:
        where = (
            f"it is under {known.license}: {known.why}"
            if known.why
            else (f"on the Hub it is under {known.license}")
        )
        return (
            f"the recipe says that {model} is under {key}, and {where}. "
            f"Write license: {known.license}, then run `magpie filter RUN`."
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
