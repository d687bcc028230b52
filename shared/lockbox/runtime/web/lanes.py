"""Lanes: each kind of web request has workers of its own, so that one kind can't keep the others waiting.

A full lane refuses at once; nothing waits for a worker. Of a shared lane, one address gets half.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from lockbox.runtime.process.metrics import LANE_BLOCKED, LANE_BUSY, LANE_REFUSED, LANE_WORKERS
from lockbox.runtime.web.trouble import Trouble

BOUND_SECONDS = 3.0
"""The time that a lane may be full, or a request in it wait, before the lane counts as blocked."""


@dataclass(frozen=True)
class Lane:
    """A kind of request; `whole`: one address may have all its workers."""

    name: str
    workers: int
    whole: bool = False

    @property
    def share(self) -> int:
        """The number of workers that one address may have."""
        return self.workers if self.whole else max(1, self.workers // 2)


class LaneFull(Exception):
    """A request that found no worker."""


class RequestAtWork:
    """A request at work; `failed` is set where the answer says that the service could not do it."""

    failed = True


class Lanes:
    """The lanes of a listener."""

    def __init__(self, lanes: Iterable[Lane], clock: Callable[[], float] = time.monotonic) -> None:
        self._busy: dict[Lane, Counter[str | None]] = {}
        self._troubles: dict[str, Trouble] = {}
        self._lanes = {lane.name: lane for lane in lanes}
        for lane in self._lanes.values():
            self._busy[lane] = Counter()
            self._troubles[lane.name] = Trouble(BOUND_SECONDS, clock)
            LANE_WORKERS.labels(lane.name).set(lane.workers)
            LANE_BUSY.labels(lane.name).set_function(self._busy[lane].total)
            LANE_BLOCKED.labels(lane.name).set_function(partial(self.blocked, lane.name))

    @property
    def workers(self) -> int:
        """The number of workers of all lanes."""
        return sum(lane.workers for lane in self._lanes.values())

    def blocked(self, name: str) -> bool:
        """Return whether requests of a lane have been failing or waiting for some seconds."""
        return self._troubles[name].lasts

    def worked(self, name: str) -> None:
        """Note that a request of a lane had its effect."""
        self._troubles[name].worked()

    @contextmanager
    def turn(self, name: str, address: str | None) -> Iterator[RequestAtWork]:
        """Give a request of this address a worker; raise `LaneFull` if there is none for it."""
        lane, trouble, turn = self._lanes[name], self._troubles[name], RequestAtWork()
        busy = self._busy[lane]
        self._require_place(lane, address)
        number = trouble.began()
        busy[address] += 1
        try:
            yield turn
        finally:
            busy[address] -= 1
            if not busy[address]:
                del busy[address]
            trouble.ended(number, failed=turn.failed)

    def _require_place(self, lane: Lane, address: str | None) -> None:
        busy = self._busy[lane]
        if busy.total() >= lane.workers:
            self._troubles[lane.name].failed()
        elif address is None or busy[address] < lane.share:
            return
        LANE_REFUSED.labels(lane.name).inc()
        raise LaneFull(lane.name)
