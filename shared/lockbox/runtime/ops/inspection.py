"""The inspection of the broker: required queues, exchanges and bindings beside the existing ones.

A queue or an exchange is looked for first, so that nothing is made by looking, and then declared as it should be, which
the broker refuses where it is otherwise. AMQP shows no bindings; they are made anew, which changes nothing where they
are.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from amqp.exceptions import AMQPError, NotFound, PreconditionFailed
from kombu import Connection, Exchange, Queue

from lockbox.contracts.listeners import bindings
from lockbox.contracts.ops import TopologyItem, TopologyView
from lockbox.runtime.broker.topology import (
    RETRY_SECONDS,
    SubscriptionTopology,
    ensure_listeners,
    events_exchange,
    parked_exchange,
    redeliver_exchange,
    retry_exchange,
)
from lockbox.runtime.events.subscription import Subscription
from lockbox.runtime.ops.parked import broker

MISSING = "missing"
OTHERWISE = "there with other arguments"
UNREAD = "nobody reads it"
UNBOUND = "its bindings could not be made"

Items = Iterator[TopologyItem]


def inspect(uri: str, service: str, providers: Iterable[Any]) -> TopologyView:
    """Return every item that a service needs on the broker, with its fault; `providers` read its queues."""
    readers = sorted(providers, key=lambda provider: str(provider.queue.name))
    with broker(uri) as connection:
        items = [_queue(connection, reader.queue, read=True) for reader in readers]
        items += _parked(connection, readers)
        items += _retries(connection, readers)
        items += _listeners(connection, service, {item.name for item in items})
        items += _exchanges(connection, service, readers)
        items += _bindings(connection, service, readers, items)
    return TopologyView(items=tuple(items))


def _parked(connection: Connection, readers: list[Any]) -> Items:
    """Return the parked queues."""
    parks = [reader.topology.parked_queue for reader in readers if reader.topology is not None]
    yield from (_queue(connection, queue) for queue in parks)


def _retries(connection: Connection, readers: list[Any]) -> Items:
    """Return the retry tiers, which all handlers share."""
    tiers = {queue.name: queue for topology in _subscribed(readers) for queue in topology.retries}
    yield from (_queue(connection, queue) for queue in tiers.values())


def _subscribed(readers: list[Any]) -> list[SubscriptionTopology]:
    return [reader.topology for reader in readers if isinstance(reader, Subscription)]


def _listeners(connection: Connection, service: str, seen: set[str]) -> Items:
    """Return the queues of other services that must exist before anything is published."""
    names = sorted({name for name, _ in bindings(service)} - seen)
    yield from (_queue(connection, Queue(name), foreign=True) for name in names)


def _queue(connection: Connection, queue: Queue, *, read: bool = False, foreign: bool = False) -> TopologyItem:
    try:
        with connection.channel() as channel:
            found: Any = queue(channel).queue_declare(passive=True)
    except NotFound:
        return TopologyItem(kind="queue", name=queue.name, fault=MISSING)
    fault = None if foreign else _refused(connection, lambda channel: queue(channel).queue_declare())
    if read and not found.consumer_count:
        fault = fault or UNREAD
    return TopologyItem(
        kind="queue", name=queue.name, fault=fault, messages=found.message_count, consumers=found.consumer_count
    )


def _exchanges(connection: Connection, service: str, readers: list[Any]) -> Items:
    own, topologies = [events_exchange(service)], _subscribed(readers)
    if any(reader.topology is not None for reader in readers):
        own.append(parked_exchange(service))
    if topologies:
        own.append(redeliver_exchange(service))
        own += [retry_exchange(service, seconds) for seconds in RETRY_SECONDS]
    sources = {source.name: source for topology in topologies for source in topology.sources}
    foreign = [source for name, source in sources.items() if name != events_exchange(service).name]
    yield from (_exchange(connection, exchange) for exchange in own)
    yield from (_exchange(connection, source, foreign=True) for source in foreign)


def _exchange(connection: Connection, exchange: Exchange, *, foreign: bool = False) -> TopologyItem:
    try:
        with connection.channel() as channel:
            exchange(channel).declare(passive=True)
    except NotFound:
        return TopologyItem(kind="exchange", name=exchange.name, fault=MISSING)
    fault = None if foreign else _refused(connection, lambda channel: exchange(channel).declare())
    return TopologyItem(kind="exchange", name=exchange.name, fault=fault)


def _bindings(connection: Connection, service: str, readers: list[Any], items: list[TopologyItem]) -> Items:
    """Check the bindings; none while an item is missing, as a check creates nothing."""
    if any(item.fault in (MISSING, OTHERWISE) for item in items):
        return
    try:
        for reader in readers:
            reader.declare(connection)
        ensure_listeners(connection, service)
    except AMQPError as error:
        yield TopologyItem(kind="bindings", name=service, fault=f"{UNBOUND}: {error}"[:300])
    else:
        yield TopologyItem(kind="bindings", name=service)


def _refused(connection: Connection, declare: Callable[..., object]) -> str | None:
    try:
        with connection.channel() as channel:
            declare(channel)
    except PreconditionFailed:
        return OTHERWISE
    return None
