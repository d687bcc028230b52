"""A clock that a test moves forward, so that no test waits for time to pass."""

import threading
from datetime import datetime, timedelta

from lockbox.clock import SystemClock

LONGEST_WAIT = 0.01


class MovableClock(SystemClock):
    """This machine's clocks, so many seconds ahead; waiting ends soon."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def advance(self, seconds: float) -> None:
        self._ahead += seconds

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return super().wait(event, min(seconds, LONGEST_WAIT))
