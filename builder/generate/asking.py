"""How a stage asks a pool: what it asks is counted as its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from builder.engines.base import Completion, SamplingParams
from builder.engines.pool.pool import Pool
from builder.generate.meter import Meter

Encode = Callable[[str], list[int]]


def counter(encode: Encode | None) -> Callable[[str], int | None]:
    """What counts the tokens of a prompt. The bare user turn is the same prompt every time."""
    if encode is None:
        return lambda prompt: None  # noqa: ARG005

    @lru_cache(maxsize=8)
    def count(prompt: str) -> int | None:
        return len(encode(prompt))

    return count


class Asking:
    """Asks `pool` in the name of a stage. `own`: it is the pool of the recipe's own engine."""

    def __init__(
        self,
        stage: str,
        pool: Pool,
        meter: Meter,
        count: Callable[[str], int | None] = lambda prompt: None,  # noqa: ARG005
        *,
        own: bool = True,
    ) -> None:
        self.pool = pool
        self._stage, self._meter, self._count, self._own = stage, meter, count, own

    async def complete(self, prompt: str, params: SamplingParams) -> Completion:
        """See `Pool.complete`."""
        with self._meter.request(self._stage, own=self._own):
            completion = await self.pool.complete(prompt, params)
        self._meter.tokens(self._stage, self._count(prompt), completion.tokens)
        return completion
