"""Trouble that lasts: work of a kind that has been failing, or waiting, for longer than a bound."""

import time
from collections.abc import Callable
from itertools import count

FORGOTTEN_AFTER_SECONDS = 10.0
"""The time after the last failure from which trouble is over, if nothing more fails."""


class Trouble:
    """The state of one kind of work: it lasts when failures span `bound` seconds without a success between.

    Work that began so long ago and has not ended counts too.
    """

    def __init__(self, bound: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._bound = bound
        self._clock = clock
        self._numbers = count()
        self._begun: dict[int, float] = {}
        self._first: float | None = None
        self._last = float("-inf")

    def began(self) -> int:
        """Note that work began; return its number."""
        number = next(self._numbers)
        self._begun[number] = self._clock()
        return number

    def ended(self, number: int, *, failed: bool) -> None:
        """Note that work ended. That it did not fail says little: it may have been refused before it was tried."""
        began = self._begun.pop(number)
        if failed:
            self.failed(began)

    def worked(self) -> None:
        """Note a success."""
        self._first = None

    def failed(self, since: float | None = None) -> None:
        """Note a failure; `since`: when the work began that failed."""
        now = self._clock()
        if self._first is None or now - self._last > FORGOTTEN_AFTER_SECONDS:
            self._first = now if since is None else since
        self._last = now

    @property
    def lasts(self) -> bool:
        """Whether the work has not been possible for so long."""
        now = self._clock()
        oldest = next(iter(self._begun.values()), now)  # numbers go up, and so do times
        if now - oldest > self._bound:
            return True
        if self._first is None or now - self._last > FORGOTTEN_AFTER_SECONDS:
            return False
        return self._last - self._first > self._bound
