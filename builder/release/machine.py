"""What names the machine that made a release: none of it goes into one.

Addresses of servers, names of keys, folders, and how fast something was asked say where rows
were made, not what they are; addresses may hold a password besides.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

OPTIONS: Final = frozenset(
    {
        "endpoint",
        "api_key_env",
        "concurrency",
        "client_processes",
        "threads",
        "model_file",
        "trace",
        "delay",
    }
)
"""Options of engines and annotators that say where and how fast; defaults stand in for them."""

_ADDRESS: Final = r"https?://\S*[\w/\]]"
_SERVER: Final = "the server"
"""What stands in a message in the place of an address."""

_FOLDER: Final = r"^(?:/|~|\.\.?/)\S*?([^/\s]+)/*$"
"""Paths that can be nothing else: absolute, or from `~`, `.` or `..` on."""


def without_machine(value: object) -> object:
    """Return options as far as they belong into a release; a path becomes its last part."""
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if key not in OPTIONS}
        return {key: without_machine(one) for key, one in kept.items()}
    if isinstance(value, list):
        return [without_machine(one) for one in value]
    return called(value) if isinstance(value, str) else value


def called(name: str) -> str:
    """Return how a model or file is called: `/models/llama` -> `llama`, `org/llama` as it is."""
    return re.sub(_FOLDER, r"\1", name)


def called_column(name: str) -> pl.Expr:
    """Return a column of names, each as `called` gives it."""
    return pl.col(name).str.replace(_FOLDER, "$1")


def message_column(name: str) -> pl.Expr:
    """Return a column of messages: `http://node7:80 answered 500` -> `the server answered 500`."""
    return pl.col(name).str.replace_all(_ADDRESS, _SERVER)
