"""The resource patterns of a condition, indexed by their first segment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from approval_service.domain.policy.budget import Budget
from lockbox.values.resources import ONE

Comparison = Callable[[str, str], bool]


@dataclass(frozen=True)
class Patterns:
    """Patterns in their order, and the same by their first segment."""

    every: Sequence[str]
    by_first: Mapping[str, Sequence[str]]

    def comparable(self, resource: str) -> Sequence[str]:
        """Return the patterns with a first segment that can go with a resource's."""
        first = _first(resource)
        if first == ONE:
            return self.every
        return (*self.by_first.get(first, ()), *self.by_first.get(ONE, ()))

    def any(self, compare: Comparison, resource: str, budget: Budget) -> bool:
        """Tell whether one of the patterns compares with a resource."""
        comparable = self.comparable(resource)
        budget.spend(len(comparable) + 1)
        return any(compare(pattern, resource) for pattern in comparable)


@lru_cache(maxsize=2_000)
def indexed(patterns: tuple[str, ...]) -> Patterns:
    """Return the patterns with their index."""
    by_first: dict[str, list[str]] = {}
    for pattern in patterns:
        by_first.setdefault(_first(pattern), []).append(pattern)
    return Patterns(patterns, by_first)


def _first(resource: str) -> str:
    return resource.partition("/")[0]
