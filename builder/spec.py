"""The base of all that a recipe says: frozen, strict models that name the nearest known key."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Base of all parts of a recipe: frozen, strict (true is no 1, "8" is no 8), no unknown keys.

    The `description` of a field says what to write there; faults quote it.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


def as_tuple(value: object) -> object:
    """Take a YAML list for a tuple; strict models would refuse it."""
    return tuple(value) if isinstance(value, list) else value


def one_or_many(value: object) -> object:
    """Take a single text for a tuple of one."""
    return (value,) if isinstance(value, str) else as_tuple(value)
