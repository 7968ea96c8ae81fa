"""sentence-transformers: any model that it can load, on the device that it chooses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from builder.annotate.vectors.backend import Local, Matrix
from builder.annotate.vectors.loading import UNREADABLE, Source, demand, unreadable

MODEL: Final = "sentence-transformers/all-mpnet-base-v2"
"""What the Magpie paper took (arXiv 2406.08464, section 3), and so the published data sets."""

BATCH: Final = 64
"""Texts that go through the model at once."""


def transformer(origin: Source) -> Local:
    """Return a backend for a sentence-transformers model.

    Texts are cut at the model's own `max_seq_length`, which is 384 tokens for all-mpnet-base-v2. A
    text that is padded in another batch may come out different in the last bits, so the squared
    distance of twins can be 1e-12 in place of 0. Code that a model brings along is not run.
    Raises `MissingExtraError` and `EngineError`.
    """
    demand("sentence_transformers", "sentence-transformers")
    from sentence_transformers import (  # type: ignore[import-not-found,unused-ignore]  # slow
        SentenceTransformer,
    )

    try:
        model = SentenceTransformer(origin.place, revision=origin.revision)
    except UNREADABLE as error:
        raise unreadable(origin, "sentence-transformers", error) from error

    def encode(texts: Sequence[str]) -> Matrix:
        vectors = model.encode(list(texts), batch_size=BATCH, show_progress_bar=False)
        return np.asarray(vectors, np.float32)

    return Local(origin.name, encode)
