"""Questions to a server about itself: asked again for some seconds where it is busy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from builder.errors import EngineError, RetryError, StalledError

ASKED: Final = 5
"""Times that a question is asked of a server that is busy or not there, 7 seconds in all."""

FIRST_PAUSE: Final = 0.5
"""Seconds before it is asked again, doubled each time."""

T = TypeVar("T")


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again what may succeed later. Raises `EngineError` when it does not in a few seconds.

    One that lets us wait until the deadline is not asked again: that took long enough.
    """
    for number in range(ASKED):
        try:
            return await ask()
        except StalledError as error:
            raise EngineError(
                f"the server accepts a request and does not answer it: {error.message}",
                mend="Is it still loading, or stuck? See its own log.",
            ) from error
        except RetryError as error:
            if number == ASKED - 1:
                raise EngineError(
                    f"the server was asked {ASKED} times: {error.message}",
                    mend="Wait until it serves, then run the same command again.",
                ) from error
        await asyncio.sleep(FIRST_PAUSE * 2**number)
    raise AssertionError("unreachable")
