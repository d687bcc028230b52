"""Polling to a deadline; no test sleeps."""

import time
from collections.abc import Callable
from typing import TypeVar

SHORTEST_PAUSE, LONGEST_PAUSE = 0.002, 0.05

T = TypeVar("T")


def eventually(look: Callable[[], T | None], within: float = 30.0) -> T:
    """What `look` sees, as soon as it sees something true; fails when it never does."""
    deadline, pause = time.monotonic() + within, SHORTEST_PAUSE
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {within} s; last seen: {seen!r}"
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
