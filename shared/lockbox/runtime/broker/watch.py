"""The watch over a service's queues and bindings: the broker reports each one that is removed.

RabbitMQ's plugin `rabbitmq_event_exchange` publishes the reports on `amq.rabbitmq.event`, on which no user can. They
come into a queue that is exclusive to this connection, so that no other connection can unbind, purge, read or delete
it, whatever its rights. It is bound before the service binds its own queues. From then on a binding is there unless
its removal was reported.

What was removed is made again. The service is not ready until that has held for `STEADY_SECONDS`: whoever removes it
over and over has one fault, and not a service that is ready in between.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

import eventlet
import structlog
from amqp.exceptions import AccessRefused, NotFound
from eventlet.event import Event as Signal
from kombu import Connection, Exchange, Queue
from nameko.extensions import SharedExtension

from lockbox.ids import new_id
from lockbox.runtime.broker.connection import visit
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.publisher import LOST
from lockbox.runtime.broker.topology import (
    BINDING_REMOVED,
    EXCHANGE_DELETED,
    QUEUE_DELETED,
    REPORTED,
    REPORTS,
    Binding,
    events_exchange,
    reconcile_exchange,
)
from lockbox.runtime.process.metrics import REMOVED, WATCHED

STEADY_SECONDS = 5.0
RETRY_SECONDS = 1.0
HEARD_WITHIN_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Watch(SharedExtension):
    """The watch of one process over the queues and bindings of its providers, and over its service's exchanges."""

    queue_consumer = RawQueueConsumer()

    def __init__(self) -> None:
        super().__init__()
        self.repaired: list[Callable[[], object]] = []
        self._removed: set[str] = set()
        self._deleted: set[str] = set()
        self._faulty_until: dict[str, float] = {}
        self._tried: dict[str, Signal] = {}
        self._connected_before = self._repairing = self._watching = False

    def setup(self) -> None:
        """Have each new connection of the consumer watched."""
        self._service = self.container.service_name
        self.queue_consumer.before_declaring.append(self._open)
        self.queue_consumer.after_declaring.append(self._declared)

    def faults(self) -> list[str]:
        """Return the names of queues and exchanges that were removed, or lost a binding, until all holds again."""
        now = time.monotonic()
        return sorted(name for name, until in self._faulty_until.items() if until > now)

    def check(self) -> None:
        """Bind all queues again, which changes nothing where they are bound, and try whether a removal is reported."""
        with visit(self.container.config["AMQP_URI"]) as connection:
            for provider in self.queue_consumer.providers:
                provider.declare(connection)
            if self._watching and self.queue_consumer.attached:
                self._try_reports(connection)

    # --- the reports -----------------------------------------------------------------------------------------------

    def _open(self, connection: Connection) -> None:
        self._vhost = connection.virtual_host
        self._listen(connection)
        if self._connected_before:
            for name in self._queues():
                if _is_missing(connection, name):
                    self._lose(name, QUEUE_DELETED, {})

    def _declared(self) -> None:
        self._connected_before = True

    def _listen(self, connection: Connection) -> None:
        self._watching = False
        channel = connection.channel()
        name = f"{self._service}.watch-{new_id()}"
        try:
            channel.queue_declare(name, durable=False, exclusive=True, auto_delete=True)
            for kind in REPORTED:
                channel.queue_bind(name, REPORTS, kind)
        except (AccessRefused, NotFound) as error:
            log.warning("bindings_not_watched", error=str(error)[:300])
        else:
            channel.basic_consume(name, callback=self._read, no_ack=True)
            self._watching = True
        WATCHED.set(int(self._watching))

    def _read(self, report: Any) -> None:
        kind, fields = report.delivery_info["routing_key"], report.headers
        if fields.get("vhost") != self._vhost:
            return
        if kind in (QUEUE_DELETED, EXCHANGE_DELETED):
            if (name := fields.get("name")) in (self._queues() if kind == QUEUE_DELETED else self._exchanges()):
                self._deleted.add(name)
                self._lose(name, kind, fields)
            return
        binding = (fields.get("destination_name"), fields.get("source_name"), fields.get("routing_key"))
        if heard := self._tried.pop(binding[2], None) if kind == BINDING_REMOVED else None:
            heard.send()
        elif binding in self._bound():
            self._lose(binding[0], kind, fields)

    def _queues(self) -> set[str]:
        """Return the names of the queues that outlive the process; those of answers to it have no fixed binding."""
        return {name for provider in self.queue_consumer.providers if provider.bound for name in provider.queues}

    def _bound(self) -> set[Binding]:
        return {binding for provider in self.queue_consumer.providers for binding in provider.bound}

    def _exchanges(self) -> dict[str, Exchange]:
        own = (events_exchange(self._service), reconcile_exchange(self._service))
        return {exchange.name: exchange for exchange in own}

    def _try_reports(self, connection: Connection) -> None:
        """Make a binding that nothing uses and remove it; set the gauge to 0 unless the removal is reported."""
        key, exchange = f"watched.{new_id()}", reconcile_exchange(self._service).name
        queue = next(iter(self.queue_consumer.providers)).queue.name
        heard = self._tried[key] = Signal()
        with connection.channel() as channel:
            channel.queue_bind(queue, exchange, key)
            channel.queue_unbind(queue, exchange, key)
        heard.wait(timeout=HEARD_WITHIN_SECONDS)
        WATCHED.set(int(heard.ready()))
        if not heard.ready():
            self._tried.pop(key, None)
            log.error("bindings_not_watched", error="the broker did not report a binding that was removed")

    # --- the repair ------------------------------------------------------------------------------------------------

    def _lose(self, name: str, kind: str, fields: dict[str, Any]) -> None:
        REMOVED.labels(name).inc()
        log.error(
            "binding_removed",
            name=name,
            report=kind,
            exchange=fields.get("source_name"),
            routing_key=fields.get("routing_key"),
            by=fields.get("user_who_performed_action"),
        )
        self._removed.add(name)
        self._faulty_until[name] = float("inf")
        if not self._repairing:
            self._repairing = True
            self.container.spawn_managed_thread(self._repair, identifier="watch.repair")

    def _repair(self) -> None:
        while self._removed and not self.container.stopping:
            names, self._removed = self._removed, set()
            try:
                self._make_again(names)
            except LOST as error:
                self._removed |= names
                log.warning("repair_waits", names=sorted(names), error=str(error)[:300])
                eventlet.sleep(RETRY_SECONDS)
                continue
            if not self._deleted.isdisjoint(names):
                self._deleted -= names
                self.queue_consumer.reconnect()
            for go_on in self.repaired:
                go_on()
            self._faulty_until |= dict.fromkeys(names - self._removed, time.monotonic() + STEADY_SECONDS)
        self._repairing = False

    def _make_again(self, names: Iterable[str]) -> None:
        with visit(self.container.config["AMQP_URI"]) as connection:
            for exchange in (exchange for name, exchange in self._exchanges().items() if name in names):
                exchange(connection.default_channel).declare()
            for provider in self.queue_consumer.providers:
                if not set(names).isdisjoint(provider.queues):
                    provider.declare(connection)


def _is_missing(connection: Connection, queue: str) -> bool:
    try:
        with connection.channel() as channel:
            Queue(queue)(channel).queue_declare(passive=True)
    except NotFound:
        return True
    return False
