"""Reconciliation: each service asks audit_service which of its events are on record, and publishes the others again.

Questions and answers are those of `questions`. An event is on record if its source, its id and its digest are; one that
is there with another digest is a fault, which is logged, counted and asked about again. A question or an answer that
gets lost does no harm: the same is asked again. Before each round the bindings of the service's own queues are checked.

When a broker lost its data, the messages in other queues are lost without a trace. A broker without a service's mark,
an exchange, is therefore given all events of the last days again; a consumer ignores an event that it knows. The newest
come first, as they are the ones that may be lost, and slowly, so that new events do not wait behind them.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import eventlet
import structlog
from amqp.exceptions import NotFound
from eventlet.event import Event as Signal
from kombu import Connection, Queue
from nameko.extensions import SharedExtension
from pymongo.errors import PyMongoError

from lockbox import clock
from lockbox.ids import new_id
from lockbox.runtime.broker.bound_queue import BoundQueue
from lockbox.runtime.broker.connection import visit
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.publisher import LOST, ConfirmedPublisher, Message, PublishError, event_message
from lockbox.runtime.broker.topology import (
    RECONCILER,
    ensure_listeners,
    mark_exchange,
    reconcile_exchange,
)
from lockbox.runtime.broker.watch import Watch
from lockbox.runtime.events.questions import ASKED, ASKED_AT_ONCE, KEPT, expiring
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.process.metrics import CONTRADICTED, REPUBLISHED
from lockbox.runtime.storage.ledger import Published
from lockbox.runtime.storage.mongo import Document, Mongo

COMPLAINED_OF = 20
RETRY_SECONDS = 2.0
SHORTEST_LIFE_SECONDS = 10.0
SHORTEST_PAUSE_SECONDS = 0.5
GIVEN_AT_ONCE = 200
GIVEN_EVERY_SECONDS = 1.0
GIVEN_AGAIN = timedelta(days=7)

log = structlog.get_logger(__name__)


class Reconciler(SharedExtension):
    """The side of reconciliation that asks whether a service's events are on record."""

    mongo = Mongo()
    queue_consumer = RawQueueConsumer()
    relay = Relay()
    watch = Watch()
    prefetch = 5
    workers = 0
    never_waits = False
    topology = None

    def __init__(self) -> None:
        super().__init__()
        self.rounds: list[Callable[[datetime, datetime], object]] = []

    def setup(self) -> None:
        """Register with the queue consumer, for the answers."""
        self._service = self.container.service_name
        self.every = float(self.container.config["RECONCILE_SECONDS"])
        self._publisher = ConfirmedPublisher(self.container.config["AMQP_URI"], self._prepare)
        self._stop = Signal()
        self._asked_again = Signal()
        self.queue = Queue(f"{self._service}.on_answer.v1", durable=True, queue_arguments=KEPT)
        self.queues = (self.queue.name,)
        bound = BoundQueue(self.queue, ((reconcile_exchange(RECONCILER), self._service),))
        self.bound, self.declare = bound.bound, bound.declare
        self.queue_consumer.register_provider(self)

    def start(self) -> None:
        """Start to ask, if this service publishes anything."""
        self._published = Published(self.mongo.database())
        if self.relay.idle:
            return
        self.container.spawn_managed_thread(self._run, identifier="reconciler")

    def stop(self) -> None:
        """Stop to ask and to read answers."""
        for signal in (self._stop, self._asked_again):
            if not signal.ready():
                signal.send()
        self.queue_consumer.unregister_provider(self)
        self._publisher.close()

    def gap(self) -> int:
        """Return the number of events that were published a while ago and are not known to be on record."""
        return self._published.count_unconfirmed(clock.now() - 3 * timedelta(seconds=self.every))

    def handle_message(self, message: Any) -> None:
        """Confirm the events that are on record, and publish the others again."""
        try:
            self._heed(json.loads(message.body))
        except Exception as error:  # noqa: BLE001 - whatever an answer does to its reader: the same is asked again
            log.warning("answer_not_heeded", error=f"{type(error).__name__}: {error}"[:300])
        self.queue_consumer.ack(message)

    def _heed(self, answer: Document) -> None:
        if answer.get("again"):
            self.ask_soon()
            return
        self._published.confirm([str(event_id) for event_id in answer["on_record"]])
        self._give([str(event_id) for event_id in answer["missing"]])
        self._complain([str(event_id) for event_id in answer["contradicted"]])

    def ask_soon(self) -> None:
        """Begin the next round now, about all events: a queue was away, and may have lost some."""
        self._published.ask_soon()
        if not self._asked_again.ready():
            self._asked_again.send()

    def _prepare(self, connection: Connection) -> None:
        try:
            ensure_listeners(connection, self._service)
        except NotFound as error:
            raise PublishError(f"a queue is missing: {error}") from error

    def _run(self) -> None:
        while not self._stop.ready():
            pause = self.every
            try:
                self._cycle()
            except (PublishError, PyMongoError, *LOST) as error:
                log.warning("reconciliation_waits", error=str(error)[:300])
                pause = min(RETRY_SECONDS, self.every)
            eventlet.sleep(min(SHORTEST_PAUSE_SECONDS, self.every))
            _wait(self._asked_again, pause)

    def _cycle(self) -> None:
        self._published.ensure_indexes()
        self._publisher.connect()
        self.watch.check()
        self._give_all_to_a_new_broker()
        self._ask(clock.now())

    def _ask(self, now: datetime) -> None:
        """Ask about the events of before the last round, or about all if that was asked for."""
        published_by = now if self._asked_again.ready() else now - timedelta(seconds=self.every)
        if not self._stop.ready():
            self._asked_again = Signal()
        if digests := self._published.to_ask_about(published_by, now, ASKED_AT_ONCE):
            self.ask(ASKED, {"digests": digests})
        for ask in self.rounds:
            ask(published_by, now)

    def ask(self, routing_key: str, question: Document) -> None:
        """Send a question; it expires when it is asked again."""
        body, properties = json.dumps(question).encode(), expiring(max(self.every, SHORTEST_LIFE_SECONDS))
        exchange = reconcile_exchange(self._service).name
        self._publisher.publish([Message(new_id(), exchange, routing_key, body, properties=properties)])

    def _give_all_to_a_new_broker(self) -> None:
        with visit(self.container.config["AMQP_URI"]) as connection:
            mark = mark_exchange(self._service)
            try:
                mark(connection.channel()).declare(passive=True)
            except NotFound:
                for some in self._published.since(clock.now() - GIVEN_AGAIN, GIVEN_AT_ONCE):
                    self.publish(some)
                    _wait(self._stop, GIVEN_EVERY_SECONDS)
                    if self._stop.ready():
                        return
                mark(connection.channel()).declare()

    def _give(self, ids: Iterable[str]) -> None:
        if missing := self._published.with_ids(ids):
            log.warning("events_not_on_record", events=len(missing))
            self.publish(missing)
            self._published.put_off(missing, clock.now())

    def _complain(self, ids: Iterable[str]) -> None:
        if contradicted := self._published.with_ids(ids):
            log.error("events_contradicted_by_record", ids=[event["_id"] for event in contradicted][:COMPLAINED_OF])
            CONTRADICTED.inc(len(contradicted))
            self._published.put_off(contradicted, clock.now())

    def publish(self, events: list[Document]) -> None:
        """Publish events again."""
        messages = [event_message(self._service, event["_id"], event["type"], event["payload"]) for event in events]
        REPUBLISHED.inc(len(self._publisher.publish(messages)))


def _wait(signal: Signal, seconds: float) -> None:
    with eventlet.Timeout(seconds, exception=False):
        signal.wait()
