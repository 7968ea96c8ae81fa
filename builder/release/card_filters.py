"""What templates ask of facts: which measures splits have, and how names stand in citations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from builder.recipe.licenses import license_of
from builder.recipe.model_source import is_hub_id
from builder.release.facts import Facts
from builder.release.licensing import binds, licenses_of, reserved_for
from builder.release.markdown import text


def license_names(facts: Facts) -> str:
    """Return the licences that a split goes under, as words: `llama3, my-license`."""
    own = {one["license"]: one["name"] for one in facts["licenses"]}
    return ", ".join(text(own.get(key) or key) for key in licenses_of(facts))


def terms(splits: Sequence[Facts]) -> dict[str, Any]:
    """Return what the licences of splits come to, for the first lines of their section.

    `noncommercial` are those that bind and forbid commercial use, `silent` those of models that
    gave numbers alone and forbid it too, each by id; `untrained` are the splits that no model may
    be trained on.
    """
    told = [one for facts in splits for one in facts["licenses"] if one["license"]]
    closed = [one for one in told if not license_of(one["license"]).commercial]
    binding = dict.fromkeys(one["license"] for one in closed if binds(one))
    silent = dict.fromkeys(one["license"] for one in closed if not binds(one))
    return {
        "noncommercial": list(binding),
        "silent": [key for key in silent if key not in binding],
        "untrained": [facts["split"] for facts in splits if len(reserved_for(facts)) > 1],
    }


def measured(splits: Sequence[Facts], what: str) -> list[str]:
    """Return the columns whose `lengths`, `numbers` or `labels` some split's default rows have.

    Labels of yes and no are left out.
    """
    found: dict[str, None] = {}
    for facts in splits:
        told = facts.get(what, {}).get(facts["default_config"], {})
        if isinstance(told, Mapping):
            found |= dict.fromkeys(name for name, summary in told.items() if summary)
        else:
            found |= dict.fromkeys(one["column"] for one in told if not _is_yes_or_no(one))
    return list(found)


def _is_yes_or_no(told: Mapping[str, Any]) -> bool:
    """Whether labels are those of a test: what it finds stands among the limits."""
    return {one["label"] for one in told["labels"]} == {"false", "true"}


def most_frequent(facts: Facts, column: str) -> dict[str, Any] | None:
    """Return the label that most default rows of a split have, None where none has one."""
    told = facts.get("labels", {}).get(facts["default_config"], [])
    counted = [label for one in told if one["column"] == column for label in one["labels"]]
    most: dict[str, Any] | None = max(counted, key=lambda one: one["rows"], default=None)
    return most if most and most["rows"] else None


def short_type(name: str) -> str:
    """Return a type without those of its fields: `struct{a: int64}` -> `struct{a}`."""
    return re.sub(r": [a-z0-9<>]+", "", name)


def inner(words: str) -> str:
    """Return words as they stand within a sentence: `Whether it is.` -> `whether it is`."""
    start = words[:1].lower() if words[1:2].islower() or words[1:2] == " " else words[:1]
    return start + words[1:].rstrip(".")


_SAID: Final = {
    "instruction_length": "instruction length in characters",
    "response_length": "response length in characters",
    "instruction_tokens": "instruction length in tokens",
    "response_tokens": "response length in tokens",
    "min_neighbor_distance": "distance to the nearest neighbour",
    "repeat_count": "number of near repeats",
}
"""Columns whose names say little by themselves."""


def in_words(column: str) -> str:
    """Return the name of a column for a sentence: `input_quality` -> `input quality`."""
    return _SAID.get(column, column.replace("_", " "))


def written(options: Mapping[str, Any]) -> list[str]:
    """Return options as a recipe has them, those that nobody set left out.

    `{"among": ["EN", "DE"], "model": None}` -> `["among: [EN, DE]"]`
    """
    return [f"{key}: {_flow(value)}" for key, value in options.items() if _is_set(value)]


def _is_set(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_set, value.values()))
    return value is not None


def _flow(value: object) -> str:
    """A value as YAML has it on one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(written(value))}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def limits(splits: Sequence[Facts]) -> list[str]:
    """Return the limits that were measured of any split."""
    return list(dict.fromkeys(one["limit"] for facts in splits for one in facts.get("limits", [])))


def cite_key(name: str) -> str:
    """Return a key for BibTeX: `org/my-set` -> `org-my-set`."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()


def latex(name: str) -> str:
    """Return a name as BibTeX takes it: `my_set` -> `my\\_set`."""
    return re.sub(r"([_#%&$])", r"\\\1", re.sub(r"[\\{}~^]", " ", name))


FACT_FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "cite_key": cite_key,
    "inner": inner,
    "in_words": in_words,
    "latex": latex,
    "license": license_of,
    "license_names": license_names,
    "limits": limits,
    "measured": measured,
    "most_frequent": most_frequent,
    "on_hub": is_hub_id,
    "terms": terms,
    "short_type": short_type,
    "written": written,
}
"""Names under which the templates of cards use them."""
