"""Licences of models: what they ask of output, and which model is under which.

All of it stands in `licenses.yaml`, with its sources; this module only reads that.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml

_TABLE: Final = Path(__file__).with_name("licenses.yaml")

UNTOLD: Final = frozenset({"unknown", "other"})
"""Ids of the Hub that name no licence."""


@dataclass(frozen=True)
class License:
    """A licence. `asks` are sentences on what it asks of output; none where it asks nothing."""

    id: str
    name: str
    link: str | None = None
    policy: str | None = None
    """Address of the use policy that it takes in."""
    banner: str | None = None
    """Words that whoever makes something with the model has to display."""
    notice: str | None = None
    """Words of the text file that goes with copies."""
    asks: tuple[str, ...] = ()
    hub: bool = True
    """Whether the Hub takes the id for `license:`."""


@functools.cache
def _table() -> Mapping[str, Any]:
    return dict(yaml.safe_load(_TABLE.read_text(encoding="utf-8")))


@functools.cache
def _licenses() -> Mapping[str, License]:
    table = _table()
    described = {
        key: License(id=key, **{**values, "asks": tuple(values.get("asks", ()))})
        for key, values in table["licenses"].items()
    }
    return described | {key: License(id=key, name=key) for key in table["others"].split()}


LICENSES: Final = frozenset(_licenses())
"""Ids that a recipe may name: those that the Hub takes (its documentation, "Repository licenses"),
and a few of models that the Hub shows under `license_name`."""


def license_of(key: str) -> License:
    """Return the licence of this id; of one that nobody knows, no more than its name."""
    return _licenses().get(key) or License(id=key, name=key, hub=False)


def known_license(model: str) -> str | None:
    """Return the licence of a model on the Hub, where the table has it: `ORG/NAME` -> `llama3`."""
    name = model.casefold()
    fits = (key for pattern, key in _table()["models"].items() if _fits(name, pattern))
    return next(fits, None)


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern.casefold())
