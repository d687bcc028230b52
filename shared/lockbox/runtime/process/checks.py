"""Checks of other parts: each runs in a green thread of its own, so that a part that hangs holds up no answer."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

import eventlet
import structlog
from eventlet.event import Event as Signal

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Check(Generic[T]):
    """A check that runs once at a time; its answer is kept for some seconds."""

    def __init__(self, ask: Callable[[], T], late: T, kept: float = 1.0, lenient: float = 0.0) -> None:
        """`late`: the answer while none comes in time, or after an error; `kept`: seconds that an answer counts.

        `lenient`: seconds that it counts beyond that while the next one is late.
        """
        self._ask = ask
        self._lenient = lenient
        self._late = self._answer = late
        self._kept = kept
        self._until = 0.0
        self._running: Signal | None = None

    def begin(self) -> None:
        """Begin to ask, unless that is under way or the answer is new enough."""
        if self._running is None and time.monotonic() >= self._until:
            self._running = Signal()
            eventlet.spawn_n(self._run, self._running)

    def within(self, seconds: float) -> T:
        """Return the answer, or `late` if it takes longer than so many seconds."""
        self.begin()
        running = self._running
        if running is None:
            return self._answer
        running.wait(timeout=seconds)
        if running.ready() or time.monotonic() < self._until + self._lenient:
            return self._answer
        return self._late

    def _run(self, done: Signal) -> None:
        try:
            self._answer = self._ask()
        except Exception:
            log.exception("check_failed")
            self._answer = self._late
        self._until = time.monotonic() + self._kept
        self._running = None
        done.send(None)
