"""The relay: from the outbox to the broker, in every process, prompt and never giving up."""

import math
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import eventlet
import structlog
from amqp.exceptions import NotFound
from eventlet.queue import Empty, LightQueue
from kombu import Connection
from nameko.extensions import SharedExtension
from pymongo.errors import PyMongoError

from lockbox import clock
from lockbox.runtime.broker.publisher import Blocked, ConfirmedPublisher, PublishError, event_message
from lockbox.runtime.broker.topology import ensure_listeners
from lockbox.runtime.process.metrics import OUTBOX_AGE, OUTBOX_WAITING, PUBLISHED
from lockbox.runtime.storage.mongo import Mongo
from lockbox.runtime.storage.outbox import Entry, Outbox

POLL_SECONDS = 1.0
BATCH = 200
OFFERED_AT_MOST = 5_000
ACKNOWLEDGE_SECONDS = 0.1
"""Published events are removed from their documents together, after so long at the latest."""

log = structlog.get_logger(__name__)


class Relay(SharedExtension):
    """The publisher of a service's events: offered ones at once, waiting ones each second."""

    mongo = Mongo()

    def __init__(self) -> None:
        super().__init__()
        self._collections: list[str] = []
        self._offered: LightQueue = LightQueue()
        self._published: list[Entry] = []
        self._acknowledge_at = math.inf
        self._stopping = False
        self._thread: Any = None

    def register(self, collection: str) -> None:
        """Register a collection with outboxes."""
        self._collections.append(collection)

    @property
    def idle(self) -> bool:
        """Whether this service has no outbox at all."""
        return not self._collections

    def offer(self, waiting: Sequence[Entry]) -> None:
        """Publish these soon. Forgetting them would be safe: they stand in their document's outbox."""
        if self._offered.qsize() < OFFERED_AT_MOST:
            self._offered.put(waiting)

    def outbox(self) -> Outbox:
        """Return the outboxes of all registered collections."""
        return Outbox(self.mongo.database(), self._collections)

    def start(self) -> None:
        """Start the thread; all stores have registered their collections by now."""
        self._outbox = self.outbox()
        self._publisher = ConfirmedPublisher(self.container.config["AMQP_URI"], self._prepare)
        self._poll_at = time.monotonic()
        self._thread = self.container.spawn_managed_thread(self._run, identifier="relay")

    def stop(self) -> None:
        """Publish the offered events, then end; may be called again."""
        self._stopping = True
        if self._thread is not None:
            self._thread.wait()
            self._publisher.close()

    def measure(self) -> None:
        """Set the gauges of the outbox."""
        with suppress(PyMongoError):
            OUTBOX_WAITING.set(self._outbox.waiting())
            oldest = self._outbox.oldest()
            OUTBOX_AGE.set((clock.now() - oldest).total_seconds() if oldest else 0)

    def _prepare(self, connection: Connection) -> None:
        try:
            ensure_listeners(connection, self.container.service_name)
        except NotFound as error:
            raise PublishError(f"a queue is missing; start the service that it is named after: {error}") from error

    def _run(self) -> None:
        while not (self._stopping and self._offered.empty()):
            try:
                self._cycle()
            except Exception:
                log.exception("relay_failed")
                eventlet.sleep(POLL_SECONDS)
        self._acknowledge(clock.now())

    def _cycle(self) -> None:
        """Publish the offered events and, at times, those found waiting; acknowledge the published ones together."""
        batch, waiting = self._take_offered(), []
        if not self._stopping and time.monotonic() >= self._poll_at:
            self._poll_at = time.monotonic() + POLL_SECONDS
            waiting = self._take_waiting(clock.now())
        if (batch or waiting) and self._publish_all(batch + waiting) and len(waiting) >= BATCH:
            self._poll_at = time.monotonic()  # more waits
        if len(self._published) >= BATCH or time.monotonic() >= self._acknowledge_at:
            self._acknowledge(clock.now())

    def _take_offered(self) -> list[Entry]:
        batch: list[Entry] = []
        try:
            until = max(0.0, min(self._poll_at, self._acknowledge_at) - time.monotonic())
            batch += self._offered.get(timeout=0.05 if self._stopping else until)
            while len(batch) < BATCH:
                batch += self._offered.get_nowait()
        except Empty:
            pass
        return batch

    def _take_waiting(self, now: datetime) -> list[Entry]:
        """Lease waiting events; none while the broker is away, as they would wait for the end of the lease."""
        if self.idle:
            return []
        try:
            self._publisher.connect()
            return self._outbox.claim(now, BATCH)
        except Blocked:
            return []
        except (PublishError, PyMongoError) as error:
            log.warning("outbox_waits", error=str(error)[:300])
            return []

    def _publish_all(self, batch: Iterable[Entry]) -> bool:
        """Publish events; return whether the broker took all of them."""
        by_id = {entry.event_id: entry for entry in batch}
        try:
            safe = self._publish(list(by_id.values()))
        except Blocked:
            return False
        except PublishError as error:
            log.warning("relay_delayed", events=len(by_id), error=str(error)[:300])
            return False
        PUBLISHED.inc(len(safe))
        self._published += [by_id[event_id] for event_id in safe]
        self._acknowledge_at = min(self._acknowledge_at, time.monotonic() + ACKNOWLEDGE_SECONDS)
        if unsafe := by_id.keys() - safe:
            log.warning("events_refused_by_broker", events=sorted(unsafe))
        return not unsafe

    def _acknowledge(self, now: datetime) -> None:
        """Add the published events to the ledger and remove them from the outbox; on failure they are found again."""
        published, self._published, self._acknowledge_at = self._published, [], math.inf
        try:
            self._outbox.acknowledge(published, now)
        except PyMongoError as error:
            log.warning("relay_delayed", events=len(published), error=str(error)[:300])

    def _publish(self, batch: list[Entry]) -> set[str]:
        source = self.container.service_name
        messages = [event_message(source, entry.event_id, entry.type, entry.payload) for entry in batch]
        try:
            return self._publisher.publish(messages)
        except Blocked:
            raise
        except PublishError:
            eventlet.sleep(0)
            return self._publisher.publish(messages)
