"""Vectors laid out on a plane, so that what is alike lies together: t-SNE, as in the paper's maps.

openTSNE rather than scikit-learn: of 20,000 vectors the repulsion is interpolated on a grid
(Linderman et al. 2019, arXiv 1712.09005), some 70 s on one core, where a tree takes several
minutes.
"""

from __future__ import annotations

import importlib.util
from typing import Final

import numpy as np

from builder.errors import MissingExtraError
from builder.neighbours.vectors import Doubles, Floats

FEWEST: Final = 50
"""Vectors below which a plane shows nothing."""

PERPLEXITY: Final = 30
"""Neighbours that a vector is kept near to, about (van der Maaten and Hinton 2008: 5 to 50)."""

SEED: Final = 0

DECIMALS: Final = 4
"""Of the places: a pixel of a drawing 580 wide is 0.0017."""

_GIVEN: Final = "pip install 'magpie-builder[plots]'"


def refuse_missing() -> None:
    """Raise `MissingExtraError` where openTSNE is not installed. Imports nothing."""
    if importlib.util.find_spec("openTSNE") is None:
        raise MissingExtraError(
            "the map needs the package openTSNE, which is not installed", mend=f"Run: {_GIVEN}"
        )


def laid_out(vectors: Floats) -> Doubles:
    """Return a place for each of n vectors (n x d): n x 2, from 0 to 1, the wider side filled.

    One thread and a fixed seed: on machines of one kind the same vectors get the same places, bit
    by bit. On others the picture may be another one, as true as this. About 2 s for 300 vectors,
    70 s for 20,000. Raises `MissingExtraError`, and `ValueError` below `FEWEST` vectors.
    """
    refuse_missing()
    if len(vectors) < FEWEST:
        raise ValueError(f"{len(vectors)} vectors are too few for a map")
    from openTSNE import TSNE  # slow to import
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # sums of several threads differ in their last bits
        found = TSNE(
            perplexity=min(PERPLEXITY, (len(vectors) - 1) / 3),
            neighbors="exact",
            random_state=SEED,
            n_jobs=1,
        ).fit(np.ascontiguousarray(vectors))
    places: Doubles = np.asarray(found, dtype=np.float64)
    low, high = places.min(axis=0), places.max(axis=0)
    span = float((high - low).max()) or 1.0
    rounded: Doubles = np.round((places - low) / span, DECIMALS)
    return rounded


def version() -> str:
    """Return the version of openTSNE, without importing it."""
    import importlib.metadata

    return importlib.metadata.version("openTSNE")
