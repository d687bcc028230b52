"""Values that were read a moment ago and are used again, so that many calls at a time share one read."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class RecentReads(Generic[V]):
    """Values by key; each is used for so many seconds, counted from before it was read.

    A missing value is never kept, and `forget` ends the use of one that this process changes.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._kept: dict[str, tuple[float, V]] = {}

    def get(self, key: str, read: Callable[[str], V | None]) -> V | None:
        """Return the value of this key: one that is recent enough, or else the one that `read` returns now."""
        began = self._now()
        known = self._kept.get(key)
        if known is not None and began < known[0]:
            return known[1]
        value = read(key)
        if value is None:
            self.forget(key)
        else:
            self._kept[key] = (began + self._seconds, value)
        return value

    def forget(self, key: str) -> None:
        """Have this key read again at its next use."""
        self._kept.pop(key, None)
