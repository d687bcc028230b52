"""The clocks of this machine: the one place that reads them."""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


def now() -> datetime:
    """Return the time of day in UTC."""
    return datetime.now(UTC)


class Clock(Protocol):
    """A source of the time of day in UTC."""

    def now(self) -> datetime: ...  # noqa: D102


class SystemClock:
    """The time of day, a monotonic clock that no correction moves, and waiting."""

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        return now()

    def monotonic(self) -> float:
        """Return the seconds since a fixed moment."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set, at most for some seconds; return whether it is set."""
        return event.wait(seconds)
