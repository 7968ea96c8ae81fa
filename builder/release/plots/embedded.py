"""Vectors of instructions of other data sets, by the model that embedded the run's own.

They are kept in RUN/compared.parquet by their texts. A release that is made again asks no server
and loads no model for them; so it gets the same bytes, whatever a server's last bits do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from builder.annotate.base import FAILED, Embedder, ServerOptions
from builder.annotate.embedding import EmbeddingOptions
from builder.errors import EngineError
from builder.run.storage import write_parquet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from builder.annotate.vectors.worker import EmbeddingWorker

COMPARED_FILE: Final = "compared.parquet"
"""Name of the file beside the selection, in the run directory."""

Reach = Callable[[ServerOptions], AbstractAsyncContextManager[Embedder]]
"""Gives the embedding model of a server while a block runs, asked patiently, as in a build. Raises
`EngineError` where there is none."""

_BATCH: Final = 256
_SERVED: Final = 1024
"""Texts at once for a server: some 30 requests, as TEI takes 32 texts with each."""

_KEPT: Final = {"text": pl.String(), "embedding": pl.Binary(), "embedding_model": pl.String()}

Vectors = dict[str, bytes | None]
"""Text -> its vector as the run stores them; None for one that gets none."""


@dataclass(frozen=True)
class Embedding:
    """How texts get vectors that lie among the run's own."""

    options: EmbeddingOptions
    """Those of the recipe's annotator."""
    base: Path
    """Folder that a path of a model starts from."""
    model: str | None = None
    """What computed the run's own vectors; another one's are refused. None: any will do."""
    kept: Path | None = None
    """The file `COMPARED_FILE`; None: nothing is kept."""
    reach: Reach | None = None


def embedded(texts: Sequence[str], how: Embedding, tell: Callable[[int], None]) -> Vectors:
    """Return the vectors of texts: those that are kept, and all others computed, and kept.

    `tell` hears of how many they are known, from time to time. Raises `EngineError` where the
    model or its server cannot be had, or is another one than `how.model`; `MissingExtraError`;
    `StorageError`.
    """
    known = _read(how)
    missing = [text for text in texts if text not in known]
    if missing:
        known |= asyncio.run(_computed(missing, how, lambda done: tell(len(known) + done)))
        _write(known, how)
    found = {text: known[text] for text in texts}
    if texts and not any(found.values()):
        raise EngineError(f"none of its {len(texts):,} instructions gets a vector")
    return found


def _read(how: Embedding) -> Vectors:
    if how.kept is None or not how.kept.exists():
        return {}
    try:
        found = pl.read_parquet(how.kept, schema=_KEPT)
    except (pl.exceptions.PolarsError, OSError):
        return {}  # it is ours to write anew
    same = found.filter(pl.col("embedding_model") == how.model)
    return dict(same.select("text", "embedding").iter_rows())


def _write(known: Vectors, how: Embedding) -> None:
    if how.kept is not None:
        columns = {"text": list(known), "embedding": list(known.values())}
        rows = pl.DataFrame({**columns, "embedding_model": how.model}, schema=_KEPT)
        write_parquet(how.kept, rows)


async def _computed(texts: Sequence[str], how: Embedding, tell: Callable[[int], None]) -> Vectors:
    found: Vectors = {}
    batch = _SERVED if how.options.backend == "server" else _BATCH
    async with _started(how) as worker:
        for start in range(0, len(texts), batch):
            tell(start)
            part = texts[start : start + batch]
            values = await worker.annotate([{"instruction": text} for text in part])
            for text, said in zip(part, values, strict=True):
                vector = said.get("embedding")
                found[text] = vector if isinstance(vector, bytes) else None
                _refuse_other(said.get("embedding_model"), how)
            if not any(found.values()):
                raise EngineError(
                    f"no instruction gets a vector: {values[0][f'embedding{FAILED}']}"
                )
    return found


@asynccontextmanager
async def _started(how: Embedding) -> AsyncIterator[EmbeddingWorker]:
    """The annotator's own worker, over its own backend."""
    from builder.annotate.vectors.served import Served
    from builder.annotate.vectors.start import start_backend
    from builder.annotate.vectors.worker import EmbeddingWorker

    options = how.options
    if options.backend != "server":
        local = start_backend(options.backend, how.base, options.model, options.revision)
        worker = EmbeddingWorker(local)
        try:
            yield worker
        finally:
            await worker.close()
    elif how.reach is None:
        raise EngineError("no embedding server can be asked from here")
    else:
        async with how.reach(options.server) as embedder:
            yield EmbeddingWorker(Served(embedder))


def _refuse_other(model: object, how: Embedding) -> None:
    if how.model is not None and model is not None and model != how.model:
        raise EngineError(
            f"the recipe's embedding model is {model} now, and the run's own vectors are of "
            f"{how.model}",
            mend="Vectors of two models cannot lie on one map",
        )
