"""Licences of models: what they ask of output, and which model is under which.

All of it stands in `licenses.yaml`, with its sources; this module only reads that.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
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
    agreement: str | None = None
    """Words of its text, a copy of which has to lie in a release. None: it asks for no copy."""
    only: str | None = None
    """The models that alone may be improved with output. None: it forbids none."""
    asks: tuple[str, ...] = ()
    commercial: bool = True
    """Whether it allows commercial use."""
    permissive: bool = False
    """Whether it leaves those free who use what a model wrote, but for credit."""
    quoted: bool = False
    """Whether what stands here was read from quotations of it."""
    hub: bool = True
    """Whether the Hub takes the id for `license:`."""

    def is_text(self, data: bytes) -> bool:
        """Whether a file holds the agreement, by the words of its title."""
        if self.agreement is None:
            return False
        words = " ".join(data.decode("utf-8", "replace").casefold().split())
        return self.agreement.casefold() in words


@dataclass(frozen=True)
class Known:
    """The licence of a model as the table has it, and why where the model's page says less."""

    license: str
    why: str | None = None


@functools.cache
def _table() -> Mapping[str, Any]:
    return dict(yaml.safe_load(_TABLE.read_text(encoding="utf-8")))


@functools.cache
def _licenses() -> Mapping[str, License]:
    table = _table()
    permissive = frozenset(table["permissive"].split())
    described = {
        key: License(
            id=key,
            **{**values, "asks": tuple(values.get("asks", ())), "permissive": key in permissive},
        )
        for key, values in table["licenses"].items()
    }
    bare = {key: License(id=key, name=key) for key in table["others"].split()}
    bare |= {
        key: License(id=key, name=key, commercial=False) for key in table["noncommercial"].split()
    }
    bare |= {key: License(id=key, name=key, permissive=True) for key in permissive}
    return bare | described


LICENSES: Final = frozenset(_licenses())
"""Ids that a recipe may name: those that the Hub takes (its documentation, "Repository licenses"),
and a few of models that the Hub shows under `license_name`."""


def license_of(key: str) -> License:
    """Return the licence of this id; of one that nobody knows, no more than its name."""
    return _licenses().get(key) or License(id=key, name=key, hub=False)


def known_of(model: str) -> Known | None:
    """Return the licence of a model on the Hub, where the table has it: `ORG/NAME` -> `llama3`."""
    name = model.casefold()
    fits = (told for pattern, told in _table()["models"].items() if _fits(name, pattern))
    told = next(fits, None)
    return Known(**told) if isinstance(told, Mapping) else Known(told) if told else None


def known_license(model: str) -> str | None:
    """Return the id of `known_of`."""
    known = known_of(model)
    return known.license if known else None


def only_improve(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the models that licences reserve output for: more than one leaves no model at all.

    `("llama2", "mit", "llama3")` -> `("Llama 2", "Meta Llama 3")`.
    """
    told = (license_of(key).only for key in keys)
    return tuple(dict.fromkeys(only for only in told if only))


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern.casefold())
