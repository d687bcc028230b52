"""Messages that are held while MongoDB is away or refuses; no attempt is counted for them."""

import time
from collections.abc import Hashable, Iterable

import structlog

from lockbox.errors import Unavailable
from lockbox.runtime.process.metrics import HELD
from lockbox.runtime.storage.mongo import is_absence

log = structlog.get_logger(__name__)


def is_absent(error: BaseException | None) -> bool:
    """Return whether a handler failed for a part that is away, and not for its message."""
    return isinstance(error, Unavailable) or is_absence(error)


class Holding:
    """The held messages of one queue: their number as a metric, and a log line at the begin and at the end."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._held: set[Hashable] = set()
        self._since = 0.0

    def __bool__(self) -> bool:
        """Return whether any message is held."""
        return bool(self._held)

    def begin(self, messages: Iterable[Hashable], error: object) -> None:
        """Hold messages; those that are held already stay so."""
        if not self._held:
            self._since = time.monotonic()
            log.warning("handler_holds", queue=self._queue, error=f"{type(error).__name__}: {error}"[:300])
        self._held.update(messages)
        HELD.labels(self._queue).set(len(self._held))

    def end(self, messages: Iterable[Hashable]) -> None:
        """Hold messages no longer."""
        held_before = bool(self._held)
        self._held.difference_update(messages)
        if held_before:
            HELD.labels(self._queue).set(len(self._held))
            if not self._held:
                log.info("handler_goes_on", queue=self._queue, held_seconds=round(time.monotonic() - self._since, 1))
