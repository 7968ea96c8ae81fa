"""How one server is asked for vectors: the path, the fields beside the texts, what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from builder.engines.embedding.answer import Vectors, read_lists, read_object
from builder.engines.remote.errors import Where
from builder.engines.remote.http import Answer


@dataclass(frozen=True)
class Route:
    """A path, the field that holds the texts, constant fields, and what reads an answer."""

    path: str
    texts: str
    read: Callable[[Where, Answer], Vectors] = field(repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict)

    def body(self, texts: Sequence[str]) -> bytes:
        """The body of a request."""
        return msgspec.json.encode({**self.fields, self.texts: list(texts)})


TEI: Final = Route("/embed", "inputs", read_lists, {"normalize": True, "truncate": True})
"""text-embeddings-inference (its router/src/http/types.rs, EmbedRequest)."""

_OPENAI: Final = Route("/v1/embeddings", "input", read_object)

_BASE64: Final = {"encoding_format": "base64"}
_CUT: Final = {"truncate_prompt_tokens": -1}

OPTIONAL: Final[tuple[Mapping[str, Any], ...]] = ({**_BASE64, **_CUT}, _BASE64, _CUT, {})
"""Fields of `/v1/embeddings` that not all servers take, best first.

base64 is a third of the bytes of decimals, and exact (OpenAI's API reference; vLLM, llama.cpp and
TEI take it). With truncate_prompt_tokens -1 vLLM cuts a long text to what its model takes, where
it would refuse it (PoolingBasicRequestMixin in vllm/entrypoints/pooling/base/protocol.py).
"""


def openai_route(model: str | None, optional: Mapping[str, Any]) -> Route:
    """`/v1/embeddings` with a model's name, if any, and some of `OPTIONAL`."""
    named = {} if model is None else {"model": model}
    return Route(_OPENAI.path, _OPENAI.texts, _OPENAI.read, {**named, **optional})
