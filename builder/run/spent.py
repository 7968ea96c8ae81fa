"""What was spent: time, GPUs and tokens, and the money that they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from builder.recipe.schema import PriceSpec
from builder.run.directory import RunDirectory
from builder.run.starts import Stages, starts_of


@dataclass(frozen=True)
class Spent:
    """An amount of work. Times are seconds; two amounts add up.

    `gpu_seconds` are those of GPUs that are known. `charged` are those that a budget and a price
    by the hour go by: an engine without a known GPU counts as one. `tokens_in` are those that
    could be counted; `uncounted` says that there were others.
    """

    seconds: float = 0.0
    gpu_seconds: float = 0.0
    charged: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    uncounted: bool = False

    def __add__(self, other: Spent) -> Spent:
        """Both amounts together."""
        return Spent(
            self.seconds + other.seconds,
            self.gpu_seconds + other.gpu_seconds,
            self.charged + other.charged,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.uncounted or other.uncounted,
        )


def spent_by(stages: Stages, seconds: float, gpus: int) -> Spent:
    """What one start spent."""
    prompts = [use["tokens_in"] for use in stages.values()]
    return Spent(
        seconds,
        seconds * gpus,
        seconds * max(1, gpus),
        sum(tokens for tokens in prompts if tokens is not None),
        sum(use["tokens_out"] for use in stages.values()),
        None in prompts,
    )


def spent(run: RunDirectory) -> Spent:
    """What all starts of a run spent together; see `starts` for one that was killed."""
    starts = starts_of(run)
    return sum((spent_by(one.stages, one.seconds, one.gpus) for one in starts), Spent())


def money(price: PriceSpec | None, amount: Spent) -> dict[str, Any] | None:
    """What an amount of work costs by a recipe's price; None where it gives none.

    Tokens of all stages cost the same, those of judges elsewhere too: a recipe has one price.
    `complete` is false where prompts have a price and some could not be counted.

    >>> money(PriceSpec(gpu_hour=2.5), Spent(charged=1800))
    {'amount': 1.25, 'currency': 'USD', 'complete': True}
    """
    if price is None or not (price.gpu_hour or price.million_tokens_in or price.million_tokens_out):
        return None
    total = (price.gpu_hour or 0) * amount.charged / 3600
    total += (price.million_tokens_in or 0) * amount.tokens_in / 1e6
    total += (price.million_tokens_out or 0) * amount.tokens_out / 1e6
    return {
        "amount": round(total, 4),
        "currency": price.currency,
        "complete": not (amount.uncounted and price.million_tokens_in),
    }
