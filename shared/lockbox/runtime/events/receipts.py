"""Receipts on the side of the handlers: each event that a queue must not miss leaves one when it was handled or parked.

A source asks on its exchange `<source>.reconcile`, with the name of the queue as routing key, about `{"ids": [...]}`;
the answer is `{"queue": ..., "received": [...], "missing": [...]}` on `<service>.reconcile` with the source as routing
key. A queue with a backlog gives no answer: what it lacks may be on the way.
"""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import eventlet
import structlog
from kombu import Queue
from nameko.extensions import SharedExtension
from pymongo.errors import PyMongoError

from lockbox import clock
from lockbox.contracts.listeners import LISTENERS, SOURCES, queues_of
from lockbox.ids import new_id
from lockbox.runtime.broker.bound_queue import BoundQueue
from lockbox.runtime.broker.connection import visit
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.publisher import ConfirmedPublisher, Message
from lockbox.runtime.broker.topology import reconcile_exchange
from lockbox.runtime.events.questions import ASKED_AT_ONCE, KEPT, asker
from lockbox.runtime.storage.mongo import Mongo
from lockbox.runtime.storage.receipts import Receipt, ReceiptStore

WRITE_SECONDS = 1.0
BACKLOG = 100

log = structlog.get_logger(__name__)


class Receipts(SharedExtension):
    """The receipts of a service; they are written together each second, and before a question is answered."""

    mongo = Mongo()
    queue_consumer = RawQueueConsumer()
    prefetch = 1
    workers = 0
    never_waits = False
    topology = None

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Receipt] = []
        self._queues: tuple[str, ...] = ()

    def setup(self) -> None:
        """Register with the queue consumer, if a queue of this service must not miss an event."""
        service = self.container.service_name
        self._queues = queues_of(service)
        if not self._queues:
            return
        self._publisher = ConfirmedPublisher(self.container.config["AMQP_URI"])
        self.queue = Queue(f"{service}.on_receipt_question.v1", durable=True, queue_arguments=KEPT)
        self.queues = (self.queue.name,)
        bindings = tuple((reconcile_exchange(source), f"{service}.*.*") for source in SOURCES)
        bound = BoundQueue(self.queue, bindings)
        self.bound, self.declare = bound.bound, bound.declare
        self.queue_consumer.register_provider(self)

    def start(self) -> None:
        """Start to write the receipts."""
        if self._queues:
            self.container.spawn_managed_thread(self._run, identifier="receipts")

    def stop(self) -> None:
        """Stop reading questions, and write the receipts that wait."""
        if self._queues:
            self.queue_consumer.unregister_provider(self)
            self._publisher.close()

    def add(self, queue: str, source: str, event_id: str, due_in: float | None = None) -> None:
        """Add the receipt of an event; `due_in`: the seconds until it is tried again."""
        if queue in LISTENERS:
            due_at = None if due_in is None else clock.now() + timedelta(seconds=due_in)
            self._waiting.append(Receipt(queue, source, event_id, due_at))

    def handle_message(self, message: Any) -> None:
        """Answer a question."""
        try:
            self._answer(message)
        except Exception as error:  # noqa: BLE001 - whatever a question does to its reader: the same is asked again
            log.warning("question_not_heeded", error=f"{type(error).__name__}: {error}"[:300])
        self.queue_consumer.ack(message)

    def _answer(self, message: Any) -> None:
        queue, source = message.delivery_info["routing_key"], asker(message)
        ids = [str(event_id) for event_id in json.loads(message.body)["ids"][:ASKED_AT_ONCE]]
        if queue not in self._queues or self._backlog(queue) > BACKLOG or not self.write():
            return
        body = {"queue": queue, **asdict(self._store().of(queue, source, ids, clock.now()))}
        exchange = reconcile_exchange(self.container.service_name).name
        self._publisher.publish([Message(new_id(), exchange, source, json.dumps(body).encode())])

    def _backlog(self, queue: str) -> int:
        with visit(self.container.config["AMQP_URI"]) as connection, connection.channel() as channel:
            return int(Queue(queue)(channel).queue_declare(passive=True).message_count)

    def _store(self) -> ReceiptStore:
        return ReceiptStore(self.mongo.database())

    def _run(self) -> None:
        while not self._ensure_indexes():
            eventlet.sleep(WRITE_SECONDS)
        while not self.container.stopping:
            eventlet.sleep(WRITE_SECONDS)
            self.write()

    def _ensure_indexes(self) -> bool:
        try:
            self._store().ensure_indexes()
        except PyMongoError as error:
            log.warning("receipts_wait", error=str(error)[:300])
            return False
        return True

    def write(self) -> bool:
        """Write the receipts that wait; return whether they are written."""
        writing, self._waiting = self._waiting, []
        if not writing:
            return True
        try:
            self._store().add(writing, clock.now())
        except PyMongoError as error:
            self._waiting = writing + self._waiting
            log.warning("receipts_wait", receipts=len(writing), error=str(error)[:300])
            return False
        return True
