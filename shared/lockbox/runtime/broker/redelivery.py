"""Copies of messages, in a retry tier or among the parked ones: safe there before the original is acknowledged."""

from typing import Any

import eventlet
import structlog
from nameko.extensions import SharedExtension

from lockbox import clock
from lockbox.ids import new_id
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.publisher import ConfirmedPublisher, Message, PublishError
from lockbox.runtime.broker.topology import SubscriptionTopology, parked_exchange
from lockbox.runtime.process.metrics import PARKED
from lockbox.values.timestamps import format_timestamp

ATTEMPT_HEADER = "x-lockbox-attempt"
ORIGIN_HEADER = "x-lockbox-origin"
REASON_HEADER = "x-lockbox-reason"
PARKED_AT_HEADER = "x-lockbox-parked-at"
PARKED_ID_HEADER = "x-lockbox-parked-id"
REPLAYED_HEADER = "x-lockbox-replayed"
LONGEST_REASON, LONGEST_HEADER = 2_000, 255
"""Bounds of the headers of a copy, in characters: all of them fit into a frame, whatever the publisher sent."""

HOLD_SECONDS = 2.0

log = structlog.get_logger(__name__)


class CopyPublisher(SharedExtension):
    """A publisher of copies into retry tiers and parked queues, on a connection of its own."""

    queue_consumer = RawQueueConsumer()

    def setup(self) -> None:
        """Create the publisher; it connects at first use."""
        self._publisher = ConfirmedPublisher(self.container.config["AMQP_URI"])

    def stop(self) -> None:
        """Drop the connection."""
        self._publisher.close()

    def publish(self, message: Message) -> None:
        """Return when the copy is safe; raises `PublishError` when it is not."""
        if not self._publisher.publish([message]):
            raise PublishError(f"the broker did not take a copy for {message.exchange}")

    def park(self, message: Any, topology: SubscriptionTopology, reason: str) -> bool:
        """Put a message among the parked ones of its queue, with its reason; return whether it is safe there."""
        headers = {
            ATTEMPT_HEADER: attempt_of(message),
            REASON_HEADER: reason[:LONGEST_REASON].encode(errors="replace").decode(),
            PARKED_AT_HEADER: format_timestamp(clock.now()),
            PARKED_ID_HEADER: new_id(),
        }
        parked = self.move(message, topology, parked_exchange(topology.consumer).name, headers)
        if parked:
            PARKED.labels(topology.name).inc()
            log.error("message_parked", queue=topology.name, attempt=attempt_of(message), reason=reason)
        return parked

    def move(self, message: Any, topology: SubscriptionTopology, exchange: str, headers: dict[str, Any]) -> bool:
        """Acknowledge a message of a queue once its copy is safe, and return whether it is; else give it back."""
        copy = Message(
            id=str(message.properties.get("message_id") or new_id()),
            exchange=exchange,
            routing_key=topology.name,
            body=body_of(message),
            headers=_kept(message) | headers | {ORIGIN_HEADER: _cut(origin_of(message, topology))},
        )
        try:
            self.publish(copy)
        except PublishError as error:
            log.error("copy_failed", queue=topology.name, error=str(error)[:300])
            eventlet.sleep(HOLD_SECONDS)
            self.queue_consumer.requeue(message)
            return False
        self.queue_consumer.ack(message)
        return True


def _kept(message: Any) -> dict[str, str]:
    """Return the headers that a copy keeps: all others are set anew, or are of no use to a handler."""
    replayed = headers_of(message).get(REPLAYED_HEADER)
    return {} if replayed is None else {REPLAYED_HEADER: _cut(replayed)}


def _cut(header: object) -> str:
    return str(header)[:LONGEST_HEADER].encode(errors="replace").decode()


def origin_of(message: Any, topology: SubscriptionTopology) -> str:
    """Return the exchange that a message came by first; a redelivered message has it in a header.

    The header counts on the way back alone, where only this service can publish.
    """
    exchange = str(message.delivery_info["exchange"])
    return exchange if exchange != topology.redelivers else str(headers_of(message).get(ORIGIN_HEADER))


def body_of(message: Any) -> bytes:
    """Return the bytes that were published."""
    return message.body.encode() if isinstance(message.body, str) else bytes(message.body)


def headers_of(message: Any) -> dict[str, Any]:
    """Return the headers, if there are any."""
    return message.headers if isinstance(message.headers, dict) else {}


def attempt_of(message: Any) -> int:
    """Return the number of this attempt, from 1."""
    attempt = headers_of(message).get(ATTEMPT_HEADER, 1)
    return attempt if isinstance(attempt, int) and attempt > 0 else 1
