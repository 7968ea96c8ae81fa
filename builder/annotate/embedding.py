"""A vector for each instruction, for what looks for neighbours.

    backend                what it takes                      model, unless the recipe names one
    lexical (default)      nothing: spelling, no meaning      built in
    model2vec              the extra `static`                 minishlab/potion-base-32M
    sentence-transformers  the extra of that name, a GPU      all-mpnet-base-v2, the paper's
    server                 an `endpoint`: TEI, or any         what the server serves
                           with /v1/embeddings

Vectors have unit length, as those behind the published min_neighbor_distance (squared L2), so
that lies between 0 and 4 whatever the backend. What is near differs with the backend: the
published 0.05 is for all-mpnet-base-v2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final, Literal

import polars as pl
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from builder.annotate.base import (
    Annotator,
    Cost,
    Needs,
    Options,
    Output,
    ServerOptions,
    Tools,
    Worker,
)
from builder.spec import one_or_many

BATCH: Final = 64
"""Instructions at once: enough for a GPU, and 3 ms of the lexical backend."""

BackendName = Literal["lexical", "model2vec", "sentence-transformers", "server"]

TAKES: Final[Mapping[str, tuple[str, ...]]] = {
    "lexical": (),
    "model2vec": ("model",),
    "sentence-transformers": ("model", "revision"),
    "server": ("model", "endpoint", "api_key_env", "concurrency"),
}
"""Backend -> the options that mean something to it. model2vec loads no revision but the newest."""


class EmbeddingOptions(Options):
    """Which backend, and what that one is told. An option of another backend is refused."""

    backend: BackendName = Field(
        default="lexical", description="lexical, model2vec, sentence-transformers or server"
    )
    model: str | None = Field(
        default=None, min_length=1, description="a folder, ORG/NAME, or a name that is served"
    )
    """A folder is relative to the recipe. None: see the module."""
    revision: str | None = Field(default=None, min_length=1, description="a commit, tag or branch")
    endpoint: Annotated[tuple[str, ...], BeforeValidator(one_or_many)] = Field(
        default=(), description="one address such as http://localhost:8081, or a list of them"
    )
    api_key_env: str | None = Field(
        default=None, pattern=r"[A-Za-z_]\w*", description="the name of an environment variable"
    )
    concurrency: int | None = Field(
        default=None, ge=1, le=65_536, description="a whole number from 1 to 65536"
    )

    @field_validator("model", "revision", "endpoint", "api_key_env", "concurrency")
    @classmethod
    def _of_this_backend(cls, value: object, info: ValidationInfo) -> object:
        backend = info.data.get("backend")
        if value in (None, ()) or backend is None or info.field_name in TAKES[backend]:
            return value
        fitting = [name for name, options in TAKES.items() if info.field_name in options]
        raise ValueError(
            f"the backend {backend} takes no {info.field_name}; leave it out, or write backend: "
            + " or ".join(fitting)
        )

    @model_validator(mode="after")
    def _has_an_address(self) -> EmbeddingOptions:
        if self.backend == "server" and not self.endpoint:
            raise ValueError(
                "the backend server needs an endpoint; write one address such as "
                "http://localhost:8081, or a list of them"
            )
        return self

    @property
    def server(self) -> ServerOptions:
        """What the client of a server is told."""
        return ServerOptions(
            endpoint=self.endpoint,
            model=self.model,
            api_key_env=self.api_key_env,
            concurrency=self.concurrency,
        )


PACKAGES: Final[Mapping[str, Mapping[str, str]]] = {
    "model2vec": {"model2vec": "static"},
    "sentence-transformers": {"sentence_transformers": "sentence-transformers"},
}
"""Backend -> the package that it imports and our extra that brings it."""


async def start(options: EmbeddingOptions, tools: Tools) -> Worker:
    """Load the model, or find the server.

    Raises `MissingExtraError` without the backend's package, `EngineError` where the model or the
    server cannot be had.
    """
    from builder.annotate.vectors.served import Served
    from builder.annotate.vectors.start import start_backend  # numpy is slow to import
    from builder.annotate.vectors.worker import EmbeddingWorker

    if options.backend == "server":
        return EmbeddingWorker(Served(await tools.embedder(options.server)))
    local = partial(start_backend, options.backend, tools.base, options.model, options.revision)
    return EmbeddingWorker(await asyncio.to_thread(local))


ANNOTATOR = Annotator(
    name="embedding",
    version=1,
    summary="a vector of the instruction, for what looks for neighbours",
    reads=("instruction",),
    writes={
        "embedding": Output(
            pl.Binary(), "vector of the instruction: float32, little-endian, unit length", "run"
        ),
        "embedding_model": Output(pl.String(), "what computed the vector", "run"),
    },
    start=start,
    packages=lambda options: PACKAGES.get(options.backend, {}),
    options=EmbeddingOptions,
    needs=Needs.MODEL,
    cost=Cost.VECTORS,
    batch=BATCH,
)
