"""What gives vectors to texts, whatever computes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
"""A row a text."""


class Backend(Protocol):
    """An embedding model at work. `model` is its name, and says all that vectors depend on."""

    model: str

    async def encode(self, texts: Sequence[str]) -> Matrix:
        """The vectors of texts, of any length and maybe not finite: `unit` looks at them.

        No text is empty, and none holds a lone surrogate. Raises `RowError` when the texts,
        together, get no vectors: fewer of them may.
        """
        ...

    async def close(self) -> None:
        """Let go of the model."""
        ...


class Local:
    """A model of this process. `encode` runs in a thread, one call at a time.

    Models that compute on all cores, or on one GPU, only get slower when two threads use them.
    """

    def __init__(self, model: str, encode: Callable[[Sequence[str]], Matrix]) -> None:
        self.model = model
        self._encode: Callable[[Sequence[str]], Matrix] | None = encode
        self._turn = asyncio.Lock()

    async def encode(self, texts: Sequence[str]) -> Matrix:
        """See `Backend.encode`."""
        async with self._turn:
            assert self._encode is not None, "it was closed"
            return await asyncio.to_thread(self._encode, texts)

    async def close(self) -> None:
        """See `Backend.close`. Whoever is encoding is waited for."""
        async with self._turn:
            self._encode = None
