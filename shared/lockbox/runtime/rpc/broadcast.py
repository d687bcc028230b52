"""A broadcast: one question to another service, asked again and again, with the answers sent to all listeners."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Generic, TypeVar

import eventlet
import structlog
from eventlet.queue import Empty, LightQueue
from nameko.extensions import DependencyProvider

from lockbox.errors import LockboxError, Unavailable

LISTENERS_AT_MOST = 1_000
WAITING_AT_MOST = 100
ANSWER_SECONDS = 2.0
"""The longest wait for answers; then a question is asked again, before its listeners take the silence for an end."""

log = structlog.get_logger(__name__)

R = TypeVar("R")


class BroadcastListener(Generic[R]):
    """One listener; one that is too slow is closed."""

    def __init__(self) -> None:
        self._answers: LightQueue = LightQueue()
        self.open = True

    def put(self, answer: R) -> None:
        """Queue an answer."""
        if self._answers.qsize() >= WAITING_AT_MOST:
            self.open = False
        else:
            self._answers.put(answer)

    def next(self, within: float) -> R | None:
        """Return the next answer, or None if there is none for so many seconds."""
        with suppress(Empty):
            answer: R = self._answers.get(timeout=within)
            return answer
        return None


class Broadcast(DependencyProvider, Generic[R]):
    """A broadcast as a dependency: `with broadcast.listener(ask) as listener`.

    `ask(before)` asks; `before` is the previous answer, None at first. A failed question sends nothing: the listeners
    notice the silence.
    """

    def __init__(self, pause: float) -> None:
        """`pause`: between two questions, in seconds."""
        self.pause = pause

    def setup(self) -> None:
        """Start without listeners."""
        self._listeners: set[BroadcastListener[R]] = set()
        self._asking = False
        self._silent = False
        self._stopped = False

    def stop(self) -> None:
        """Close all listeners."""
        self._stopped = True
        for listener in self._listeners:
            listener.open = False

    def get_dependency(self, worker_ctx: object) -> "Broadcast[R]":
        """Return the broadcast itself."""
        return self

    @contextmanager
    def listener(self, ask: Callable[[R | None], R]) -> Iterator[BroadcastListener[R]]:
        """Open a listener on the answers; raise `Unavailable` when there are too many."""
        if self._stopped or len(self._listeners) >= LISTENERS_AT_MOST:
            raise Unavailable(
                "too_many_listeners", f"{len(self._listeners)} listen here; try another process, or later"
            )
        listener: BroadcastListener[R] = BroadcastListener()
        self._listeners.add(listener)
        try:
            if not self._asking:
                self._asking = True
                self.container.spawn_managed_thread(partial(self._run, ask), identifier="broadcast")
            yield listener
        finally:
            self._listeners.discard(listener)

    def _run(self, ask: Callable[[R | None], R]) -> None:
        answer: R | None = None
        try:
            while self._listeners:
                answer = self._ask(ask, answer)
                eventlet.sleep(self.pause)
        finally:
            self._asking = False

    def _ask(self, ask: Callable[[R | None], R], before: R | None) -> R | None:
        try:
            with eventlet.Timeout(ANSWER_SECONDS, Unavailable("service_slow", "no answer in time")):
                answer = ask(before)
        except LockboxError as error:
            if not self._silent:
                log.warning("broadcast_silent", code=error.code, error=error.message)
            self._silent = True
            return before
        if self._silent:
            log.info("broadcast_goes_on")
        self._silent = False
        for listener in set(self._listeners):
            listener.put(answer)
        return answer
