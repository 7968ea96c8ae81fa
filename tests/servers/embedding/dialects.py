"""What embedding servers do differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Dialect:
    """`path` takes the texts in `field`; `optional` are the other fields that it knows.

    `serves` is what TEI calls the type of its model. `batch` is how many texts it takes at once,
    `longest` how many words a text may have, unless it is cut.
    """

    name: str
    path: str = "/v1/embeddings"
    field: str = "input"
    optional: frozenset[str] = frozenset()
    serves: str = "embedding"
    model: str = "sentence-transformers/all-mpnet-base-v2"
    batch: int = 2048
    longest: int = 512
    concurrent: int = 512

    @property
    def tei(self) -> bool:
        return self.path == "/embed"

    def refuse(self, status: int, kind: str, message: str) -> web.Response:
        """An error in the server's own words."""
        if self.tei:
            return web.json_response({"error": message, "error_type": kind}, status=status)
        error = {"message": message, "type": kind, "param": None, "code": status}
        return web.json_response({"error": error}, status=status)

    def cuts(self, body: dict[str, Any]) -> bool:
        """Whether a request asks that a long text be cut."""
        if self.tei:
            return bool(body.get("truncate"))
        return body.get("truncate_prompt_tokens") == -1


TEI = Dialect(
    "tei",
    "/embed",
    "inputs",
    frozenset({"normalize", "truncate", "truncation_direction", "prompt_name", "dimensions"}),
    batch=32,
)
VLLM = Dialect(
    "vllm",
    optional=frozenset({"model", "encoding_format", "truncate_prompt_tokens", "user"}),
)
STRICT = Dialect("strict", optional=frozenset({"model"}))
