"""Queues: those that services declare in a deployment, and their messages."""

from collections.abc import Iterable, Iterator
from itertools import islice

from kombu import Connection, Queue

from lockbox.contracts.listeners import INTAKE_QUEUE, LISTENERS, SOURCES
from lockbox.runtime.broker.publisher import ConfirmedPublisher, Message
from lockbox.runtime.broker.topology import SubscriptionTopology

AT_ONCE = 500


def listeners() -> Iterator[SubscriptionTopology]:
    """Every queue that must not miss an event."""
    consumer, handler, _ = INTAKE_QUEUE.split(".")
    yield SubscriptionTopology(consumer, handler, tuple((source, "#") for source in SOURCES))
    for name, kinds in LISTENERS.items():
        consumer, handler, _ = name.split(".")
        yield SubscriptionTopology(consumer, handler, tuple((kind.source, kind.type) for kind in kinds))


def declare(uri: str, *topologies: SubscriptionTopology) -> None:
    """Declare queues, unless they exist."""
    with Connection(uri) as connection:
        for topology in topologies:
            topology.declare(connection)


def publish(uri: str, messages: Iterator[Message]) -> None:
    """Publish all messages, and return when the broker has confirmed them."""
    publisher = ConfirmedPublisher(uri)
    while batch := list(islice(messages, AT_ONCE)):
        publisher.publish(batch)
    publisher.close()


def purge(uri: str, names: Iterable[str]) -> None:
    """Purge queues."""
    with Connection(uri) as connection:
        for name in names:
            Queue(name)(connection.default_channel).purge()


def delete(uri: str, names: Iterable[str]) -> None:
    """Delete queues."""
    with Connection(uri) as connection:
        for name in names:
            Queue(name)(connection.default_channel).delete()
