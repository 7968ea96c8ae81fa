"""What a judge's reply is made of: one part a key, in the order in which the prompt asks for them.

A part knows its key in the reply, the column that it fills, the JSON schema that holds a judge to
it, and how it is read.

The schemas keep to what every engine takes. `uniqueItems` is refused by vLLM and left unheeded by
llama.cpp and Outlines. `maxLength` and `maxItems` are not used either: llama.cpp refuses lengths
from about 2,000 on (its pull request 17381), Outlines builds a state machine that grows with them
(outlines-core 0.2.14, a text of 600 characters: 20 times the states), and early releases of
xgrammar, behind vLLM, passed over both. The limit on tokens bounds a reply instead. Sources:
llama.cpp, grammars/README.md; vLLM, v1/structured_output/backend_xgrammar.py; outlines-core,
issue 196.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from builder.annotate.base import Output
from builder.annotate.judging.labels import read_label
from builder.annotate.judging.reply import Said, UnusableReplyError
from builder.text import writable


@dataclass(frozen=True)
class Part(ABC):
    """A part of a reply. `meaning` describes its column to readers of the data set."""

    key: str
    column: str
    meaning: str

    @property
    @abstractmethod
    def kind(self) -> pl.DataType:
        """The type of the column."""

    @property
    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the value."""

    @abstractmethod
    def read(self, said: Said) -> object:
        """The column's value. `said` has the key. Raises `UnusableReplyError`."""

    @property
    def output(self) -> Output:
        """The declaration of the column."""
        return Output(self.kind, self.meaning)


@dataclass(frozen=True)
class Sentences(Part):
    """Free words of the judge."""

    @property
    def kind(self) -> pl.DataType:
        """Text."""
        return pl.String()

    @property
    def schema(self) -> dict[str, Any]:
        """Any text."""
        return {"type": "string"}

    def read(self, said: Said) -> str:
        """The words, stripped. Raises `UnusableReplyError` where they are no text."""
        value = said[self.key]
        if not isinstance(value, str):
            raise UnusableReplyError(f'"{self.key}" is no text')
        return writable(value).strip()


@dataclass(frozen=True)
class Label(Part):
    """One of a set of labels. `also` maps other words for a label to it."""

    labels: pl.Enum
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> pl.DataType:
        """The enum of the labels, in their order."""
        return self.labels

    @property
    def schema(self) -> dict[str, Any]:
        """One of the labels."""
        return {"type": "string", "enum": self.labels.categories.to_list()}

    def read(self, said: Said) -> str:
        """See `Part.read`."""
        return read_label(self.key, said[self.key], self.labels.categories.to_list(), self.also)


@dataclass(frozen=True)
class MoreLabels(Part):
    """Any number of labels besides that of another part, each once. Null in a reply means none."""

    first: Label

    @property
    def kind(self) -> pl.DataType:
        """A list of the enum."""
        return pl.List(self.first.labels)

    @property
    def schema(self) -> dict[str, Any]:
        """A list of labels; that they differ is seen to by `read`."""
        return {"type": "array", "items": self.first.schema}

    def read(self, said: Said) -> list[str]:
        """The labels in the judge's order, without doubles and without the first one."""
        value = [] if said[self.key] is None else said[self.key]
        if not isinstance(value, list):
            raise UnusableReplyError(f'"{self.key}" is no list')
        names = self.first.labels.categories.to_list()
        labels = [read_label(self.key, one, names, self.first.also) for one in value]
        first = self.first.read(said)
        return [label for label in dict.fromkeys(labels) if label != first]


def schema_of(parts: Sequence[Part]) -> str:
    """The JSON schema, as text, of an object with these parts in this order and nothing else."""
    return json.dumps(
        {
            "type": "object",
            "properties": {part.key: part.schema for part in parts},
            "required": [part.key for part in parts],
            "additionalProperties": False,
        }
    )


def beginning_of(parts: Sequence[Part]) -> str:
    """How a reply begins whose first part is a text: brace, key and opening quotation mark."""
    return f'{{"{parts[0].key}": "'
