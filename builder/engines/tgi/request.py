"""What text-generation-inference takes: the rules of its `router/src/validation.rs`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from builder.engines.base import SamplingParams
from builder.engines.constraint import schema_of
from builder.engines.tgi.grammar import grammar_of
from builder.engines.tgi.info import TgiInfo
from builder.errors import RowError

SEED_FOR_ZERO: Final = 2**31
"""TGI wants a seed above 0. No row has this one: ours end at 2**31 - 1."""

ADDED: Final = 2
"""Tokens that a prompt may have beyond one for each of its bytes: a begin-of-text token, and the
blank that some tokenizers put in front."""

Count = Callable[[str], Awaitable[int | None]]
"""Counts the tokens of a prompt as the server gets it; None where nobody can."""


def parameters_of(params: SamplingParams, info: TgiInfo, max_new_tokens: int) -> dict[str, Any]:
    """The parameters of a request. The same row has the same ones always.

    `temperature` must be above 0, so greedy leaves it out; `top_p` must be below 1, so 1 does.
    """
    found: dict[str, Any] = {
        "max_new_tokens": max_new_tokens,
        "return_full_text": False,
        "details": True,
        "do_sample": params.temperature > 0,
    }
    if params.temperature > 0:
        found["temperature"] = params.temperature
        found["seed"] = params.seed or SEED_FOR_ZERO
        if params.top_p < 1:
            found["top_p"] = params.top_p
    if params.schema is not None and info.constrained:
        found["grammar"] = grammar_of(schema_of(params.schema))
    stops = useful_stops(params.stop, info.max_stop_sequences)
    return found | ({"stop": stops} if stops else {})


def useful_stops(stops: tuple[str, ...], most: int) -> list[str]:
    """Choose what a server is told to stop at, where it takes fewer than there are.

    Plain text first: only the server can save the tokens after it, whereas the marks that end a
    turn mostly stand in the model's generation config, and end it anyway. We cut at all of them.
    """
    if len(stops) <= most:
        return list(stops)
    ordered = sorted(stops, key=lambda stop: stop[:1] in "<[" and stop[-1:] in ">]")  # stable
    return ordered[:most]


async def room_for(inputs: str, wanted: int, info: TgiInfo, count: Count) -> int:
    """How many tokens may follow `inputs`, at most `wanted`. Counts only where it is needed.

    Raises `RowError` when the prompt is too long.
    """
    most = len(inputs.encode()) + ADDED  # a token is at least one byte
    if most <= info.max_input_tokens and most + wanted <= info.max_total_tokens:
        return wanted
    size = await count(inputs)
    if size is None:
        return min(wanted, info.max_total_tokens - 1)
    room = info.max_total_tokens - size
    if size > info.max_input_tokens or room < 1:
        limit = min(info.max_input_tokens, info.max_total_tokens - 1)
        raise RowError(f"the prompt has {size} tokens, and the server takes at most {limit}")
    return min(wanted, room)
