"""model2vec: a vector a token, looked up and averaged. Thousands of texts a second on one core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from builder.annotate.vectors.backend import Local, Matrix
from builder.annotate.vectors.loading import UNREADABLE, Source, demand, unreadable

MODEL: Final = "minishlab/potion-base-32M"
"""For English, the best by model2vec's own README, which lists one of many languages too:
minishlab/potion-multilingual-128M."""


def static(origin: Source) -> Local:
    """Return a backend for a model2vec model. A copy that was downloaded before is used again.

    Texts are cut at 512 tokens, unless the model's own configuration says otherwise. Raises
    `MissingExtraError` and `EngineError`.
    """
    demand("model2vec", "static")
    from model2vec import StaticModel  # slow to import

    try:
        model = StaticModel.from_pretrained(origin.place, force_download=False)
    except UNREADABLE as error:
        raise unreadable(origin, "model2vec", error) from error

    def encode(texts: Sequence[str]) -> Matrix:
        # Never in processes of its own: it would start them above a number of texts.
        return model.encode(list(texts), use_multiprocessing=False).astype(np.float32)

    return Local(origin.name, encode)
