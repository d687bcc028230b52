"""Exchanges, queues and bindings of every service.

Every service publishes on a topic exchange `<service>.events` (Nameko's own naming). Every subscription has a quorum
queue `<consumer>.<handler>.v1` and a place for what it can't handle, `<consumer>.<handler>.v1.parked`; a consumer has
retry tiers, quorum queues with one uniform time to live each, whose dead letters go back where they came from. All
names begin with the service that owns them, so that a broker user needs rights on its own names alone.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from amqp.exceptions import NotFound
from kombu import Connection, Exchange, Queue

from lockbox.contracts.listeners import INTAKE_QUEUE, LISTENERS, SOURCES, bindings

RECONCILER = "audit_service"
RETRY_SECONDS = (5, 30, 300)
CALLS_EXCHANGE = Exchange("lockbox.calls", type="topic", durable=True)
ANSWERS_EXCHANGE = Exchange("lockbox.answers", type="direct", durable=True)
REPORTS = "amq.rabbitmq.event"
"""The exchange of RabbitMQ's plugin `rabbitmq_event_exchange`."""
BINDING_REMOVED, QUEUE_DELETED, EXCHANGE_DELETED = REPORTED = ("binding.deleted", "queue.deleted", "exchange.deleted")
DELIVERY_LIMIT = 1000
LOOKS_LIMIT = 2**31 - 1

Binding = tuple[str, str, str]
"""The queue, the exchange and the routing key of a binding."""


def events_exchange_name(source: str) -> str:
    """Return the name of the exchange that a service publishes its events on."""
    return f"{source}.events"


def events_exchange(source: str) -> Exchange:
    """Return the exchange that a service publishes its events on."""
    return Exchange(events_exchange_name(source), type="topic", durable=True)


def service_of(exchange: str) -> str:
    """Return the service that alone may publish on an exchange for events or reconciliation."""
    return exchange.rpartition(".")[0]


def redeliver_exchange(consumer: str) -> Exchange:
    """Return the exchange from a retry tier back to the queue that the routing key names."""
    return Exchange(f"{consumer}.redeliver", type="direct", durable=True)


def parked_exchange(consumer: str) -> Exchange:
    """Return the exchange to the parked messages of the queue that the routing key names."""
    return Exchange(f"{consumer}.parked", type="direct", durable=True)


def retry_exchange(consumer: str, seconds: int) -> Exchange:
    """Return the exchange into a retry tier; the routing key names the queue to return to."""
    return Exchange(f"{consumer}.retry.{seconds}s", type="fanout", durable=True)


def reconcile_exchange(service: str) -> Exchange:
    """Return the exchange for a service's reconciliation questions, or its answers."""
    return Exchange(f"{service}.reconcile", type="topic", durable=True)


def mark_exchange(service: str) -> Exchange:
    """Return the exchange that marks a broker as given all of a service's events."""
    return Exchange(f"{service}.mark", type="fanout", durable=True)


def command_queue(service: str) -> Queue:
    """Return the queue of the calls to a service: a quorum queue, so that it outlives the node that it is on."""
    return Queue(
        f"{service}.commands.v1",
        exchange=CALLS_EXCHANGE,
        routing_key=f"{service}.*",
        durable=True,
        queue_arguments=_quorum(),
    )


def _quorum(**arguments: Any) -> dict[str, Any]:
    return {
        "x-queue-type": "quorum",
        **{f"x-{key.replace('_', '-')}": value for key, value in arguments.items()},
    }


@dataclass(frozen=True)
class SubscriptionTopology:
    """The queues and bindings of one handler; a binding is a source and an event type, `#` for all."""

    consumer: str
    handler: str
    bindings: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The name of the queue."""
        return f"{self.consumer}.{self.handler}.v1"

    @property
    def parked(self) -> str:
        """The name of the queue of parked messages."""
        return f"{self.name}.parked"

    @cached_property
    def redelivers(self) -> str:
        """The name of the exchange by which its messages come again."""
        return redeliver_exchange(self.consumer).name

    @property
    def queues(self) -> tuple[str, ...]:
        """The names of all queues of this subscription."""
        return (self.name, self.parked, *(retry_exchange(self.consumer, seconds).name for seconds in RETRY_SECONDS))

    @property
    def queue(self) -> Queue:
        """The queue that the handler reads."""
        return Queue(
            self.name,
            durable=True,
            queue_arguments=_quorum(
                dead_letter_exchange=parked_exchange(self.consumer).name,
                dead_letter_routing_key=self.name,
                dead_letter_strategy="at-least-once",
                overflow="reject-publish",
                delivery_limit=DELIVERY_LIMIT,
            ),
        )

    @property
    def parked_queue(self) -> Queue:
        """The queue of parked messages, which an operator reads by fetching and returning them.

        RabbitMQ 4 drops what was taken 20 times from a quorum queue without a limit of its own, and RabbitMQ 3 puts
        such a message behind all others. No limit at all (-1) is refused by RabbitMQ 3; this one is never reached.
        """
        return Queue(
            self.parked,
            exchange=parked_exchange(self.consumer),
            routing_key=self.name,
            durable=True,
            queue_arguments=_quorum(delivery_limit=LOOKS_LIMIT),
        )

    @property
    def retries(self) -> tuple[Queue, ...]:
        """The retry tiers, which all handlers of a consumer share."""
        return tuple(
            Queue(
                retry_exchange(self.consumer, seconds).name,
                exchange=retry_exchange(self.consumer, seconds),
                durable=True,
                queue_arguments=_quorum(
                    message_ttl=seconds * 1000,
                    dead_letter_exchange=redeliver_exchange(self.consumer).name,
                    dead_letter_strategy="at-least-once",
                    overflow="reject-publish",
                ),
            )
            for seconds in RETRY_SECONDS
        )

    @property
    def sources(self) -> tuple[Exchange, ...]:
        """The exchanges that the queue is bound to."""
        return tuple(events_exchange(source) for source in dict.fromkeys(source for source, _ in self.bindings))

    @property
    def own_queues(self) -> tuple[Queue, ...]:
        """The queues of this subscription, each with its arguments."""
        return (self.queue, self.parked_queue, *self.retries)

    @property
    def own_exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges of the consumer that its queues are bound to."""
        tiers = (retry_exchange(self.consumer, seconds) for seconds in RETRY_SECONDS)
        return (parked_exchange(self.consumer), redeliver_exchange(self.consumer), *tiers)

    @property
    def all_bindings(self) -> tuple[Binding, ...]:
        """All bindings of its queues."""
        events = ((self.name, events_exchange_name(source), key) for source, key in self.bindings)
        fixed = ((queue.name, queue.exchange.name, queue.routing_key) for queue in (self.parked_queue, *self.retries))
        return (*events, (self.name, self.redelivers, self.name), *fixed)

    def declare(self, connection: Connection) -> None:
        """Declare all of it; raise amqp's PreconditionFailed where one exists with other arguments."""
        for source in self.sources:
            ensure_exchange(connection, source)
        with connection.channel() as channel:
            for exchange in self.own_exchanges:
                exchange(channel).declare()
            for queue in self.own_queues:
                queue(channel).queue_declare()
            for queue_name, exchange_name, routing_key in self.all_bindings:
                channel.queue_bind(queue_name, exchange_name, routing_key)


def listener_topologies() -> tuple[SubscriptionTopology, ...]:
    """Return the subscriptions that must not miss an event: those of all services, and the audit's intake."""
    everything = tuple((source, "#") for source in SOURCES)
    bound = {INTAKE_QUEUE: everything} | {
        queue: tuple((kind.source, kind.type) for kind in kinds) for queue, kinds in LISTENERS.items()
    }
    return tuple(
        SubscriptionTopology(consumer, handler.removesuffix(".v1"), keys)
        for (consumer, _, handler), keys in ((queue.partition("."), keys) for queue, keys in bound.items())
    )


def ensure_exchange(connection: Connection, exchange: Exchange) -> None:
    """Ensure that an exchange exists; it is looked up first, so that only its owner needs the right to declare it."""
    try:
        with connection.channel() as channel:
            exchange(channel).declare(passive=True)
    except NotFound:
        with connection.channel() as channel:
            exchange(channel).declare()


def ensure_listeners(connection: Connection, source: str) -> None:
    """Find every queue that must not miss a source's events, before anything is published there.

    Raises amqp's NotFound, which names the queue, where one is missing. A queue and its bindings stand in the broker's
    definitions and are the consumer's own to make again; a publisher has no right on them.
    """
    ensure_exchange(connection, events_exchange(source))
    with connection.channel() as channel:
        for name in dict.fromkeys(queue for queue, _ in bindings(source)):
            Queue(name)(channel).queue_declare(passive=True)
