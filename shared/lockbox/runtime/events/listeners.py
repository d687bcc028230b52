"""Receipts on the side of the source: each queue that must not miss an event is asked for its receipts of them.

What the broker confirmed can still be lost: a queue is deleted, purged, unbound, or read by a thief. The audit's losses
are found by `reconciliation`; this does the same for all other queues, in the same rounds. An event without a receipt
is published again, after one minute, two, four, and at most one hour.
"""

import json
from datetime import datetime, timedelta
from typing import Any

import structlog
from kombu import Queue
from nameko.extensions import SharedExtension

from lockbox import clock
from lockbox.contracts.listeners import LISTENERS
from lockbox.runtime.broker.bound_queue import BoundQueue
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.topology import reconcile_exchange
from lockbox.runtime.events.questions import ASKED_AT_ONCE, KEPT, asker
from lockbox.runtime.events.reconciliation import Reconciler
from lockbox.runtime.process.metrics import AWAITED
from lockbox.runtime.storage.ledger import Published
from lockbox.runtime.storage.mongo import Document, Mongo

log = structlog.get_logger(__name__)


class ListenerReceipts(SharedExtension):
    """The receipts of the queues that need the events of this service."""

    mongo = Mongo()
    queue_consumer = RawQueueConsumer()
    reconciler = Reconciler()
    prefetch = 5
    workers = 0
    never_waits = False
    topology = None

    def setup(self) -> None:
        """Register with the queue consumer, for the answers, if any queue needs the events of this service."""
        service = self.container.service_name
        self._queues = [queue for queue, kinds in LISTENERS.items() if service in {kind.source for kind in kinds}]
        if not self._queues:
            return
        self.queue = Queue(f"{service}.on_receipts.v1", durable=True, queue_arguments=KEPT)
        self.queues = (self.queue.name,)
        consumers = dict.fromkeys(queue.partition(".")[0] for queue in self._queues)
        bound = BoundQueue(self.queue, tuple((reconcile_exchange(consumer), service) for consumer in consumers))
        self.bound, self.declare = bound.bound, bound.declare
        self.queue_consumer.register_provider(self)
        self.reconciler.rounds.append(self._ask)

    def start(self) -> None:
        """Read the ledger."""
        self._published = Published(self.mongo.database())

    def stop(self) -> None:
        """Stop reading answers."""
        if self._queues:
            self.queue_consumer.unregister_provider(self)

    def measure(self) -> None:
        """Set the gauge of the events without a receipt."""
        published_by = clock.now() - timedelta(seconds=3 * self.reconciler.every)
        for queue in self._queues:
            AWAITED.labels(queue).set(self._published.count_awaiting(queue, published_by))

    def handle_message(self, message: Any) -> None:
        """Add the receipts, and publish the events again that never came; ask at once if a service asks for it."""
        try:
            answer = json.loads(message.body)
            if answer.get("again"):
                self.reconciler.ask_soon()
            else:
                self._heed(asker(message), answer)
        except Exception as error:  # noqa: BLE001 - whatever an answer does to its reader: the same is asked again
            log.warning("receipts_not_heeded", error=f"{type(error).__name__}: {error}"[:300])
        self.queue_consumer.ack(message)

    def _heed(self, service: str, answer: Document) -> None:
        queue = str(answer["queue"])
        if not queue.startswith(f"{service}."):
            raise ValueError(f"{service} gives no receipts of {queue}")
        self._published.receive(queue, [str(event_id) for event_id in answer["received"]])
        if missing := self._published.with_ids(str(event_id) for event_id in answer["missing"]):
            log.warning("events_without_receipt", queue=queue, events=len(missing))
            self.reconciler.publish(missing)
            self._published.put_off(missing, clock.now(), "remind_at")

    def _ask(self, published_by: datetime, now: datetime) -> None:
        for queue in self._queues:
            if ids := self._published.awaiting(queue, published_by, now, ASKED_AT_ONCE):
                self.reconciler.ask(queue, {"ids": ids})
