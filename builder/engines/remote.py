"""What engines behind an address share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteModel:
    """What a remote engine may need of the model.

    `bos` is the begin-of-text token that the template writes, '' for none. `encode` gives what
    turns a text into the model's token ids; it adds none. It may raise `TemplateError`.
    """

    bos: str
    encode: Callable[[], Callable[[str], list[int]]]
