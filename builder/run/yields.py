"""The yield of a run, and how well it is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

Z: Final = 1.96
"""Standard errors on either side of a share that hold it 95 times in 100."""


@dataclass(frozen=True)
class Share:
    """`part` of `whole` rows."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """The share, 0 to 1."""
        return self.part / self.whole if self.whole else 0.0

    @property
    def between(self) -> tuple[float, float]:
        """The 95 % interval of the share: Wilson's, which is right for few rows and near 0 too.

        E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal
        of the American Statistical Association 22 (1927), 209-212.
        """
        if not self.whole:
            return 0.0, 1.0
        rows, z = self.whole, Z**2
        middle = self.value + z / (2 * rows)
        reach = Z * math.sqrt(self.value * (1 - self.value) / rows + z / (4 * rows**2))
        low = (middle - reach) / (1 + z / rows) if self.part else 0.0
        high = (middle + reach) / (1 + z / rows) if self.part < rows else 1.0
        return max(0.0, low), min(1.0, high)

    def rows_for(self, wanted: int) -> tuple[int | None, tuple[int, int | None]]:
        """Rows to sample until `wanted` are there: most likely, and between which numbers.

        None is more than anyone can tell: so far there was none.
        """
        low, high = self.between
        least = math.ceil(wanted / high)
        if not self.part:
            return None, (least, None)
        return math.ceil(wanted / self.value), (least, math.ceil(wanted / low))
