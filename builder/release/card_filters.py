"""What templates ask of facts: which measures splits have, and how names stand in citations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from builder.recipe.licenses import license_of
from builder.recipe.model_source import is_hub_id
from builder.release.facts import Facts
from builder.release.licensing import licenses_of
from builder.release.markdown import text


def license_names(facts: Facts) -> str:
    """Return the licences that a split goes under, as words: `llama3, my-license`."""
    own = {one["license"]: one["name"] for one in facts["licenses"]}
    return ", ".join(text(own.get(key) or key) for key in licenses_of(facts))


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
    "latex": latex,
    "license": license_of,
    "license_names": license_names,
    "limits": limits,
    "measured": measured,
    "most_frequent": most_frequent,
    "on_hub": is_hub_id,
}
"""Names under which the templates of cards use them."""
