"""What a series of samples does in the long run."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression

MEMORY_MAY_GROW_BY = 0.02
IN_FLIGHT = "unacked messages"
Sample = tuple[float, float]


@dataclass(frozen=True)
class Trend:
    """One thing that was measured, after warm-up: `samples` are (seconds, value).

    Memory is allowed to grow by 2 % between the ends of the fitted line; what is counted may not grow at all, where
    growth is what the lowest value of the last third is above the lowest of the first: what is busy for a moment is no
    growth, and what is never given back raises the floor. What is in flight goes up and down with the load, and is
    judged when that is over.
    """

    program: str
    measure: str
    samples: Sequence[Sample]

    @property
    def first(self) -> float:
        return min(value for _, value in self.samples[: self._third])

    @property
    def last(self) -> float:
        return min(value for _, value in self.samples[-self._third :])

    @property
    def slope_per_hour(self) -> float:
        """Of the line of least squares."""
        return 3600 * linear_regression(*zip(*self.samples, strict=True)).slope

    @property
    def growth(self) -> float:
        """As a share of the value at the beginning, for memory; else a number."""
        if not self.is_memory:
            return self.last - self.first
        slope, start = linear_regression(*zip(*self.samples, strict=True))
        begin, end = self.samples[0][0], self.samples[-1][0]
        return slope * (end - begin) / (start + slope * begin)

    @property
    def is_memory(self) -> bool:
        return self.measure.startswith("memory")

    @property
    def grows(self) -> bool:
        return self.measure != IN_FLIGHT and self.growth > (MEMORY_MAY_GROW_BY if self.is_memory else 0)

    @property
    def _third(self) -> int:
        return max(1, len(self.samples) // 3)
