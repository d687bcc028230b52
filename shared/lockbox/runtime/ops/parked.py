"""The parked messages of a queue, as an operator reads them: one by one, and returned unless acknowledged.

RabbitMQ shows a message only by delivering it, and then no other reader sees it. Therefore one operator at a time opens
a queue: the one whose connection has declared `<queue>.parked.desk`, which is exclusive to it and ends with it.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard, cast
from uuid import UUID, uuid5

import amqp
import eventlet
from kombu import Connection

from lockbox.contracts.ops import ParkedMessage
from lockbox.crypto.canonical import digest
from lockbox.errors import Conflict, Unavailable
from lockbox.runtime.broker.connection import visit
from lockbox.runtime.broker.publisher import LOST
from lockbox.runtime.broker.redelivery import (
    ATTEMPT_HEADER,
    ORIGIN_HEADER,
    PARKED_AT_HEADER,
    PARKED_ID_HEADER,
    REASON_HEADER,
    REPLAYED_HEADER,
)
from lockbox.runtime.broker.topology import SubscriptionTopology, redeliver_exchange
from lockbox.values.timestamps import parse_timestamp

PARKED_IDS = UUID("b0c39d6e-6f3e-5b0a-8d39-0d2c4a9be3f5")
LONGEST_READ = 1024 * 1024
REASON_SHOWN = 500
TYPE = re.compile(r"[a-z_]{1,100}")
LOCKED_PATIENCE = 30
PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class ParkedDelivery:
    """A parked message in hand; it returns to its queue unless its tag is acknowledged."""

    message: ParkedMessage
    message_id: str
    body: bytes
    tag: int


class ParkedQueue:
    """The parked messages of one queue, the oldest first, for one operator at a time."""

    def __init__(self, channel: Any, topology: SubscriptionTopology) -> None:
        self._channel = channel
        self._topology = topology
        self.count = _count(channel, topology)

    def deliveries(self) -> Iterator[ParkedDelivery]:
        """Fetch the messages that were parked at the start; those parked meanwhile are behind them."""
        for _ in range(self.count):
            message = self._channel.basic_get(self._topology.parked)
            if message is None:
                return
            about = describe(message, self._topology)
            message_id = str(message.properties.get("message_id") or about.parked_id)
            yield ParkedDelivery(about, message_id, as_bytes(message.body), message.delivery_tag)

    def find(self, parked_id: str) -> ParkedDelivery | None:
        """Return the message of this id, or None."""
        return next((delivery for delivery in self.deliveries() if delivery.message.parked_id == parked_id), None)

    def acknowledge(self, delivery: ParkedDelivery) -> None:
        """Acknowledge a message."""
        self._channel.basic_ack(delivery.tag)


@contextmanager
def open_parked_queue(uri: str, topology: SubscriptionTopology) -> Iterator[ParkedQueue]:
    """Open the parked messages of a queue; raise `Conflict` while another operator has them open."""
    with broker(uri) as connection:
        _lock(connection, topology)
        channel = connection.channel()
        yield ParkedQueue(channel, topology)
        channel.close()  # the broker has every acknowledgement when it answers, and takes back the rest


def count_parked(uri: str, topology: SubscriptionTopology) -> int:
    """Return the number of parked messages of a queue."""
    with broker(uri) as connection, connection.channel() as channel:
        return _count(channel, topology)


@contextmanager
def broker(uri: str) -> Iterator[Connection]:
    """Open a connection for one act of an operator; raise `Unavailable` when it is lost."""
    try:
        with visit(uri) as connection:
            yield connection
    except amqp.exceptions.NotFound as error:
        raise Unavailable("topology_incomplete", f"a queue is missing on the broker: {error}") from error
    except LOST as error:
        raise Unavailable("broker_unavailable", f"the message broker does not answer: {error}") from error


def describe(message: Any, topology: SubscriptionTopology) -> ParkedMessage:
    """Return the description of a parked message, without its body; no value in it is trusted.

    What the broker itself parked, for too many deliveries, has none of our headers, or those of its publisher. It has
    the broker's account of its death in `x-death` instead, and an id made of what tells it from others.
    """
    headers = message.properties.get("application_headers") or {}
    body = as_bytes(message.body)
    death = _death(headers)
    sha256, about = digest(body), _about(body)
    own = headers if death is None else {}
    fallback = (topology.name, message.properties.get("message_id"), sha256, headers.get(REPLAYED_HEADER), death)
    parked_id, attempt = own.get(PARKED_ID_HEADER), own.get(ATTEMPT_HEADER)
    return ParkedMessage(
        queue=topology.name,
        parked_id=parked_id if is_uuid(parked_id) else str(uuid5(PARKED_IDS, repr(fallback))),
        parked_at=_moment(death.get("time") if death else own.get(PARKED_AT_HEADER)),
        reason=_reason(own, death),
        attempt=attempt if isinstance(attempt, int) else 1,
        origin=_text(origin(headers, topology.consumer)),
        event_id=about.get("id") if is_uuid(about.get("id")) else None,
        event_type=about.get("type") if TYPE.fullmatch(str(about.get("type"))) else None,
        size=len(body),
        sha256=sha256,
    )


def origin(headers: dict[str, Any], consumer: str) -> str:
    """Return the exchange that a parked message came by first: by the broker's account, else by this service's header.

    A note counts where only this service can have written it: on a copy that it parked, and on its way back.
    """
    death = _death(headers)
    came_by = redeliver_exchange(consumer).name if death is None else death.get("exchange")
    return str(headers.get(ORIGIN_HEADER) if came_by == redeliver_exchange(consumer).name else came_by)


def as_bytes(body: Any) -> bytes:
    """Return a body as it was published."""
    return body.encode() if isinstance(body, str) else bytes(body)


def is_uuid(value: object) -> TypeGuard[str]:
    """Return whether a value is a UUID in its canonical text."""
    try:
        return str(UUID(cast(str, value))) == value
    except (ValueError, TypeError, AttributeError):
        return False


def _count(channel: Any, topology: SubscriptionTopology) -> int:
    return int(channel.queue_declare(topology.parked, passive=True).message_count)


def _lock(connection: Connection, topology: SubscriptionTopology) -> None:
    for _ in range(LOCKED_PATIENCE):
        try:
            connection.channel().queue_declare(f"{topology.parked}.desk", exclusive=True, auto_delete=True)
        except amqp.exceptions.ResourceLocked:
            eventlet.sleep(PAUSE_SECONDS)
        else:
            return
    raise Conflict("parked_queue_busy", f"somebody else works on the parked messages of {topology.name}")


def _death(headers: dict[str, Any]) -> dict[str, Any] | None:
    deaths = headers.get("x-death")
    return deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict) else None


def _reason(own: dict[str, Any], death: dict[str, Any] | None) -> str:
    if death is not None:
        return _text(f"parked by the broker: {death.get('reason')}")
    return _text(own.get(REASON_HEADER, "not said"))


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    try:
        return parse_timestamp(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _text(value: object) -> str:
    """Return a header as text that can be stored and shown, whatever its type."""
    return str(value)[:REASON_SHOWN].encode(errors="replace").decode()


def _about(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body) if len(body) <= LONGEST_READ else None
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
