"""The annotators there are: the modules of this package that declare one."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import Final

from builder.annotate.base import Annotator

_NONE: Final = frozenset({"base", "registry"})


@cache
def names() -> tuple[str, ...]:
    """Names of all annotators, in alphabetical order. Imports none of them."""
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    return tuple(sorted(one.name for one in modules if not one.ispkg and one.name not in _NONE))


def annotator(name: str) -> Annotator:
    """The annotator of this name, which must be one of `names`."""
    declared = importlib.import_module(f"builder.annotate.{name}").ANNOTATOR
    assert isinstance(declared, Annotator)
    assert declared.name == name
    return declared
