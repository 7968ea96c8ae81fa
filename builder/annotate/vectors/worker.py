"""The annotator at work, whatever the backend: rows in, vectors or reasons out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from builder.annotate.base import FAILED, Row, Values
from builder.annotate.vectors.backend import Backend
from builder.annotate.vectors.unit import Packed, unit
from builder.errors import RowError
from builder.text import writable

EMPTY: Final = "the instruction is empty: there is nothing to embed"


class EmbeddingWorker:
    """Embeds instructions with `backend`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def annotate(self, rows: Sequence[Row]) -> Sequence[Values]:
        """See `Worker.annotate`. A row without text, or without direction, fails alone."""
        texts = [writable(row["instruction"] or "") for row in rows]
        full = [text for text in texts if text.strip()]
        vectors = iter(await self._vectors(full) if full else ())
        return [self._values(next(vectors) if text.strip() else EMPTY) for text in texts]

    async def close(self) -> None:
        """See `Worker.close`."""
        await self._backend.close()

    async def _vectors(self, texts: Sequence[str]) -> list[Packed]:
        """Vectors, or reasons. A batch that is refused is halved until the culprit stands alone."""
        try:
            return unit(await self._backend.encode(texts))
        except RowError as error:
            if len(texts) == 1:
                return [error.message]
        half = len(texts) // 2
        return [*await self._vectors(texts[:half]), *await self._vectors(texts[half:])]

    def _values(self, vector: Packed) -> Values:
        if isinstance(vector, bytes):
            return {"embedding": vector, "embedding_model": self._backend.model}
        return {f"embedding{FAILED}": vector}
