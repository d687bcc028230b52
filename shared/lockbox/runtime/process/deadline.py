"""A deadline for everything that a block does: name resolution, connecting, each byte in and out."""

from collections.abc import Iterator
from contextlib import contextmanager

import eventlet


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` where the block is not done after so many seconds, however busy a slow peer keeps it."""
    timeout = eventlet.Timeout(seconds)
    try:
        yield
    except eventlet.Timeout as elapsed:
        if elapsed is not timeout:
            raise
        raise TimeoutError(f"not done within {seconds:g} s") from elapsed
    finally:
        timeout.cancel()
