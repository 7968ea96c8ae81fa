"""What a recipe may say about rows that exist already: the data set that they are read from.

    source: {dataset: Magpie-Align/Magpie-Air-300K-Filtered, split: train}

Such a recipe samples nothing, so it may leave out how rows are sampled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from builder.spec import Spec, as_tuple


class FoundSpec(Spec):
    """What was found in the data set. Magpie fills it in; whoever rebuilds is held to it."""

    rows: int = Field(ge=0, description="the number of rows of the data set")
    columns: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = Field(
        description="a list of the columns of the data set"
    )
    sha256: str | None = Field(
        default=None, pattern=r"[0-9a-f]{64}", description="the SHA-256 of the files, in hex"
    )
    """Of the contents of its files, one after the other. None on the Hub: the commit says it."""
    pre_query: str | None = Field(
        default=None, description="the pre-query template that the data set names"
    )
    """`pre_query_template` of `gen_input_configs` where all rows have the same; else None."""


class SourceSpec(Spec):
    """A data set in the layout of the published Magpie sets; a row's number is its place in it."""

    dataset: str = Field(
        min_length=1, description="ORG/NAME of a data set on the Hub, a folder, or a file"
    )
    """A file or a folder, absolute or relative to the recipe, wins over the Hub."""
    config: str | None = Field(
        default=None, min_length=1, description="a configuration of the data set, or leave it out"
    )
    """None: the card's default one."""
    split: str | None = Field(
        default=None, min_length=1, description="a split of the data set, or leave it out"
    )
    """None: all of them, one after the other."""
    revision: str | None = Field(
        default=None, min_length=1, description="a branch, a tag or a commit of the data set"
    )
    """None is `main`. Files of this machine have none."""
    found: FoundSpec | None = None
    """None until the data set was looked at."""

    def shape(self) -> dict[str, Any]:
        """Return what of it shapes rows: their data set, or the contents of its files.

        A file that was moved holds the same rows.
        """
        shape = self.model_dump(mode="json", include={"config", "split", "revision"})
        if self.found is None or self.found.sha256 is None:
            return shape | {"dataset": self.dataset}
        return shape | {"sha256": self.found.sha256}


NOT_SAMPLED: Final[Mapping[str, Any]] = {
    "engine": {"kind": "none"},
    "seed": 0,
    "target": {},
    "instruction": {"sweep": [{"temperature": 1.0}], "max_tokens": 256},
    "response": {"max_tokens": 256},
}
"""What stands in for the sections that a recipe with a source may leave out. The sampling is that
of a judge's preflight, where the recipe names an engine that judges."""


def with_stand_ins(values: object) -> object:
    """Fill in the sections that a recipe with a source leaves out; others stay as they are."""
    if isinstance(values, Mapping) and values.get("source") is not None:
        return {**NOT_SAMPLED, **values}
    return values
