"""A pool of green threads for work on many things at once; a failure does not stop the others."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

import eventlet
import structlog

WORKERS = 16

T = TypeVar("T")
log = structlog.get_logger(__name__)


def spread(work: Callable[[T], object], things: Iterable[T]) -> None:
    """Work on all things in green threads, some at a time, and return when all are done.

    The first failure of each kind is logged, the others are counted: of thousands, each may fail for the same reason.
    """
    pool = eventlet.GreenPool(WORKERS)
    failed: Counter[type[Exception]] = Counter()
    for thing in things:
        pool.spawn_n(_attempt, work, thing, failed)
    pool.waitall()
    if failed.total() > len(failed):
        log.error("some_failed", **{kind.__name__: count for kind, count in failed.items()})


def _attempt(work: Callable[[T], object], thing: T, failed: "Counter[type[Exception]]") -> None:
    try:
        work(thing)
    except Exception as error:
        failed[type(error)] += 1
        if failed[type(error)] == 1:
            log.exception("one_failed", thing=str(thing)[:100])
