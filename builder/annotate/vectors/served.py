"""An embedding model behind a server: TEI, or any with `/v1/embeddings`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from builder.annotate.base import Embedder
from builder.annotate.vectors.backend import Matrix


class Served:
    """A server as a backend. What is in flight at once is up to the pool behind it."""

    def __init__(self, embedder: Embedder) -> None:
        self.model = embedder.model
        self._embedder = embedder

    async def encode(self, texts: Sequence[str]) -> Matrix:
        """See `Backend.encode`."""
        return np.array(await self._embedder.embed(texts), np.float32)

    async def close(self) -> None:
        """See `Backend.close`. The connection is the pool's, and stays."""
