"""Waiting for something that is not there yet."""

from collections.abc import Callable

import eventlet
import structlog

log = structlog.get_logger(__name__)


def until(attempt: Callable[[], object], error: type[Exception] | tuple[type[Exception], ...], event: str) -> None:
    """Try until it works: at once, then after 0.5 s, 1 s, ... at most 5 s; each failure is logged as `event`."""
    delay = 0.5
    while True:
        try:
            attempt()
        except error as failure:
            log.warning(event, error=str(failure)[:300], retry_in_seconds=delay)
            eventlet.sleep(delay)
            delay = min(delay * 2, 5.0)
        else:
            return
