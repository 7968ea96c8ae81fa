"""Round numbers for axes, and how numbers are written on them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers from `low` to `high`, at most `most` and evenly apart.

    The step is 1, 2 or 5 times a power of ten. `(0, 100, 6)` -> `[0, 20, 40, 60, 80, 100]`.
    """
    span = high - low
    if span <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / most))
    for factor in (1, 2, 5, 10, 20, 50, 100):
        step = factor * power
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            break
    return [round(place * step, 12) + 0.0 for place in range(first, last + 1)]


def written(values: Sequence[float]) -> list[str]:
    """Return tick labels with as many decimals as the step needs: `[0, 0.5]` -> `0.0`, `0.5`."""
    step = min((b - a for a, b in itertools.pairwise(values)), default=abs(values[0]))
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return [f"{value:,.{decimals}f}".replace("-", "−") for value in values]


def per_cent(share: float) -> str:
    """Return a share as it stands beside a bar: 0.123 -> `12.3 %`, of few rows `< 0.1 %`."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def number(value: float) -> str:
    """Return a number for a sentence: 1234.0 -> `1,234`, 0.12345 -> `0.1235`."""
    whole = float(value).is_integer()
    return f"{value:,.0f}" if whole else f"{value:,.4f}".rstrip("0")


def short(value: float) -> str:
    """Return a number as it stands in a drawing, rounded: 1.0466 -> `1.05`, 1234.0 -> `1,234`."""
    if float(value).is_integer() or abs(value) >= 100:
        return f"{value:,.0f}".replace("-", "−")
    return f"{value:.3g}".replace("-", "−")
