"""A pool of green threads for work on many things at once; a failure does not stop the others."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import eventlet
import structlog

WORKERS = 16

T = TypeVar("T")
log = structlog.get_logger(__name__)


def spread(work: Callable[[T], object], things: Iterable[T]) -> None:
    """Work on all things in green threads, some at a time, and return when all are done; a failure is logged."""
    pool = eventlet.GreenPool(WORKERS)
    for thing in things:
        pool.spawn_n(_attempt, work, thing)
    pool.waitall()


def _attempt(work: Callable[[T], object], thing: T) -> None:
    try:
        work(thing)
    except Exception:
        log.exception("one_failed", thing=str(thing)[:100])
