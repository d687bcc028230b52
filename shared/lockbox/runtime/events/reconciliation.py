"""Reconciliation: each service asks audit_service which of its events are on record, and publishes the others again.

A question is `{"digests": {id: SHA-256, ...}}` on the exchange `<service>.reconcile` with the routing key `published`;
the answer is `{"on_record": [...], "missing": [...], "contradicted": [...]}` on `audit_service.reconcile` with the
service's name as routing key. Only a service itself may publish on its exchange, so the exchange names the source of
the events. An event is on record if its source, its id and its digest are; one that is there with another digest is a
fault, which is logged, counted and asked about again. A question or an answer that gets lost does
no harm: the same is asked again.

When a broker lost its data, the messages in other queues are lost without a trace. A broker without a service's mark,
an exchange, is therefore given all events of the last days again; a consumer ignores an event that it knows. The newest
come first, as they are the ones that may be lost, and slowly, so that new events do not wait behind them.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

import eventlet
import structlog
from amqp.exceptions import NotFound
from eventlet.event import Event as Signal
from kombu import Connection, Queue
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, SharedExtension
from pymongo.errors import PyMongoError

from lockbox import clock
from lockbox.contracts.listeners import SOURCES
from lockbox.ids import new_id
from lockbox.runtime.broker.connection import visit
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.publisher import LOST, ConfirmedPublisher, Message, PublishError, event_message
from lockbox.runtime.broker.topology import (
    RECONCILER,
    declare_bound,
    ensure_listeners,
    mark_exchange,
    reconcile_exchange,
)
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.process.metrics import CONTRADICTED, REPUBLISHED
from lockbox.runtime.storage.ledger import Published
from lockbox.runtime.storage.mongo import Document, Mongo

ASKED = "published"
ASKED_AT_ONCE = 1_000
COMPLAINED_OF = 20
RETRY_SECONDS = 2.0
GIVEN_AT_ONCE = 200
GIVEN_EVERY_SECONDS = 1.0
GIVEN_AGAIN = timedelta(days=7)
KEPT = {"x-queue-type": "quorum", "x-max-length": 1_000}

log = structlog.get_logger(__name__)


class Reconciler(SharedExtension):
    """The side of reconciliation that asks whether a service's events are on record."""

    mongo = Mongo()
    queue_consumer = RawQueueConsumer()
    relay = Relay()
    prefetch = 5
    workers = 0
    never_waits = False
    topology = None

    def setup(self) -> None:
        """Register with the queue consumer, for the answers."""
        self._service = self.container.service_name
        self._every = float(self.container.config["RECONCILE_SECONDS"])
        self._publisher = ConfirmedPublisher(self.container.config["AMQP_URI"], self._prepare)
        self._stop = Signal()
        self.queue = Queue(f"{self._service}.on_answer.v1", durable=True, queue_arguments=KEPT)
        self.queues = (self.queue.name,)
        self.declare = partial(declare_bound, self.queue, [(reconcile_exchange(RECONCILER), self._service)])
        self.queue_consumer.register_provider(self)

    def start(self) -> None:
        """Start to ask, if this service publishes anything."""
        self._published = Published(self.mongo.database())
        if self.relay.idle:
            return
        self.container.spawn_managed_thread(self._run, identifier="reconciler")

    def stop(self) -> None:
        """Stop to ask and to read answers."""
        if not self._stop.ready():
            self._stop.send()
        self.queue_consumer.unregister_provider(self)
        self._publisher.close()

    def gap(self) -> int:
        """Return the number of events that were published a while ago and are not known to be on record."""
        return self._published.count_unconfirmed(clock.now() - 3 * timedelta(seconds=self._every))

    def handle_message(self, message: Any) -> None:
        """Confirm the events that are on record, and publish the others again."""
        try:
            answer = json.loads(message.body)
            self._published.confirm([str(event_id) for event_id in answer["on_record"]])
            self._give([str(event_id) for event_id in answer["missing"]])
            self._complain([str(event_id) for event_id in answer["contradicted"]])
        except Exception as error:  # noqa: BLE001 - whatever an answer does to its reader: the same is asked again
            log.warning("answer_not_heeded", error=f"{type(error).__name__}: {error}"[:300])
        self.queue_consumer.ack(message)

    def _prepare(self, connection: Connection) -> None:
        try:
            ensure_listeners(connection, self._service)
        except NotFound as error:
            raise PublishError(f"a queue is missing: {error}") from error

    def _run(self) -> None:
        while not self._stop.ready():
            pause = self._every
            try:
                self._cycle()
            except (PublishError, PyMongoError, *LOST) as error:
                log.warning("reconciliation_waits", error=str(error)[:300])
                pause = min(RETRY_SECONDS, self._every)
            self._rest(pause)

    def _rest(self, seconds: float) -> None:
        with eventlet.Timeout(seconds, exception=False):
            self._stop.wait()

    def _cycle(self) -> None:
        self._published.ensure_indexes()
        self._publisher.connect()
        self._give_all_to_a_new_broker()
        now = clock.now()
        if digests := self._published.to_ask_about(now - timedelta(seconds=self._every), now, ASKED_AT_ONCE):
            body = json.dumps({"digests": digests}).encode()
            self._publisher.publish([Message(new_id(), reconcile_exchange(self._service).name, ASKED, body)])

    def _give_all_to_a_new_broker(self) -> None:
        with visit(self.container.config["AMQP_URI"]) as connection:
            mark = mark_exchange(self._service)
            try:
                mark(connection.channel()).declare(passive=True)
            except NotFound:
                for some in self._published.since(clock.now() - GIVEN_AGAIN, GIVEN_AT_ONCE):
                    self._publish(some)
                    self._rest(GIVEN_EVERY_SECONDS)
                    if self._stop.ready():
                        return
                mark(connection.channel()).declare()

    def _give(self, ids: Iterable[str]) -> None:
        if missing := self._published.with_ids(ids):
            log.warning("events_not_on_record", events=len(missing))
            self._publish(missing)
            self._published.put_off(missing, clock.now())

    def _complain(self, ids: Iterable[str]) -> None:
        if contradicted := self._published.with_ids(ids):
            log.error("events_contradicted_by_record", ids=[event["_id"] for event in contradicted][:COMPLAINED_OF])
            CONTRADICTED.inc(len(contradicted))
            self._published.put_off(contradicted, clock.now())

    def _publish(self, events: list[Document]) -> None:
        messages = [event_message(self._service, event["_id"], event["type"], event["payload"]) for event in events]
        REPUBLISHED.inc(len(self._publisher.publish(messages)))


class Questions(Entrypoint):
    """An entrypoint for reconciliation questions: `method(self, source, digests)` gives an `OnRecord`."""

    queue_consumer = RawQueueConsumer()
    prefetch = workers = 5
    never_waits = False
    topology = None

    def setup(self) -> None:
        """Register with the queue consumer."""
        self._publisher = ConfirmedPublisher(self.container.config["AMQP_URI"])
        self.queue = Queue(f"{RECONCILER}.{self.method_name}.v1", durable=True, queue_arguments=KEPT)
        self.queues = (self.queue.name,)
        bindings = [(reconcile_exchange(source), ASKED) for source in SOURCES]
        self.declare = partial(declare_bound, self.queue, bindings)
        self.queue_consumer.register_provider(self)

    def stop(self) -> None:
        """Stop reading questions."""
        self.queue_consumer.unregister_provider(self)

    def handle_message(self, message: Any) -> None:
        """Answer a question."""
        try:
            asked = json.loads(message.body)["digests"]
            digests = {str(event_id): str(digest) for event_id, digest in islice(asked.items(), ASKED_AT_ONCE)}
            arguments = (_asker(message), digests)
            self.container.spawn_worker(self, arguments, {}, handle_result=partial(self._answer, message))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ContainerBeingKilled) as error:
            log.warning("question_not_heeded", error=f"{type(error).__name__}: {error}"[:300])
            self.queue_consumer.ack(message)

    def _answer(self, message: Any, _worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        if exc_info is None:
            body = json.dumps(asdict(result)).encode()
            self._send(Message(new_id(), reconcile_exchange(RECONCILER).name, _asker(message), body))
        self.queue_consumer.ack(message)
        return result, exc_info

    def _send(self, answer: Message) -> None:
        try:
            self._publisher.publish([answer])
        except PublishError as error:
            log.warning("answer_not_sent", error=str(error)[:300])


def _asker(message: Any) -> str:
    """Return the service that asks: the one that may publish on the exchange."""
    return str(message.delivery_info["exchange"]).removesuffix(".reconcile")


answer_questions = Questions.decorator
