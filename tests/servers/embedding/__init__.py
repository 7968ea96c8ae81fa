"""Embedding servers: TEI's `/embed` and `/info`, and `/v1/embeddings` in the wild.

    with embedding_server(TEI) as server:     server.url, server.bodies, server.injected

TEI is as its router's source tells (router/src/http/server.rs and types.rs, router/src/lib.rs),
vLLM as its own protocol does; STRICT takes nothing but `input` and `model`. llama.cpp is the real
one, in `tests.servers.embedding.llama`.
"""

from tests.servers.embedding.dialects import STRICT, TEI, VLLM, Dialect
from tests.servers.embedding.server import EmbeddingServer, embedding_server, vector_of

__all__ = [
    "STRICT",
    "TEI",
    "VLLM",
    "Dialect",
    "EmbeddingServer",
    "embedding_server",
    "vector_of",
]
