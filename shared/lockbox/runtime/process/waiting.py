"""Waiting with retries."""

from collections.abc import Callable

import eventlet
import structlog

log = structlog.get_logger(__name__)


def until(
    attempt: Callable[[], object], error: type[Exception] | tuple[type[Exception], ...], event: str, **fields: str
) -> None:
    """Try until it works: at once, then after 0.5 s, 1 s, 2 s, 2 s, ...; log each failure as `event` with `fields`."""
    delay = 0.5
    while True:
        try:
            attempt()
        except error as failure:
            log.warning(event, error=str(failure)[:300], retry_in_seconds=delay, **fields)
            eventlet.sleep(delay)
            delay = min(delay * 2, 2.0)
        else:
            return


def yield_to_others() -> None:
    """Let the other green threads of this process run."""
    eventlet.sleep(0)


class Patience:
    """A callable that waits a little each time, and returns whether time is left."""

    def __init__(self, seconds: float, step: float = 0.05) -> None:
        self._left = seconds
        self._step = step

    def __call__(self) -> bool:
        """Wait; return false when the time is over."""
        eventlet.sleep(self._step)
        self._left -= self._step
        return self._left > 0
