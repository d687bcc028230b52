"""Event consumption: the one entrypoint that every service uses in place of Nameko's `event_handler`.

A message is acknowledged when its handler has returned, or when a copy of it is safe in a retry tier or among the
parked messages; never before. What can't be read or can't be right is parked at once with its reason. While MongoDB
is away a message is held, and no attempt is counted.
"""

from functools import partial
from typing import Any

import eventlet
import structlog
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, SharedExtension
from pymongo.errors import AutoReconnect, ConnectionFailure, WTimeoutError

from lockbox import clock
from lockbox.contracts.events import Event, Fact, read_event
from lockbox.contracts.fields import format_timestamp
from lockbox.errors import Invalid, Unavailable, invalid
from lockbox.ids import new_id
from lockbox.runtime import points
from lockbox.runtime.consumer import RawQueueConsumer
from lockbox.runtime.metrics import PARKED, RETRIED
from lockbox.runtime.publisher import ConfirmedPublisher, Message, PublishError
from lockbox.runtime.topology import (
    RETRY_SECONDS,
    SubscriptionTopology,
    events_exchange_name,
    parked_exchange,
    redeliver_exchange,
    retry_exchange,
)

ATTEMPTS = 5
ATTEMPT_HEADER = "x-lockbox-attempt"
HEADER_KINDS = {ATTEMPT_HEADER: int, "nameko.call_id_stack": list}
JSON = "application/json"
ORIGIN_HEADER = "x-lockbox-origin"
REASON_HEADER = "x-lockbox-reason"
PARKED_AT_HEADER = "x-lockbox-parked-at"
PARKED_ID_HEADER = "x-lockbox-parked-id"
HOLD_SECONDS = 2.0
ABSENT = (AutoReconnect, ConnectionFailure, WTimeoutError, Unavailable)

log = structlog.get_logger(__name__)


class CopyPublisher(SharedExtension):
    """Puts copies of messages into retry tiers and among the parked ones, on a connection of its own."""

    def setup(self) -> None:
        """Make the publisher; it connects when it is first needed."""
        self._publisher = ConfirmedPublisher(self.container.config["AMQP_URI"])

    def stop(self) -> None:
        """Drop the connection."""
        self._publisher.close()

    def publish(self, message: Message) -> None:
        """Return when the copy is safe; raises `PublishError` when it is not."""
        if not self._publisher.publish([message]):
            raise PublishError(f"the broker did not take a copy for {message.exchange}")


class Subscription(Entrypoint):
    """Calls the decorated method with each event of some kinds: `method(self, event, fact)`."""

    queue_consumer = RawQueueConsumer()
    copies = CopyPublisher()
    prefetch = workers = 20
    never_waits = False

    def __init__(self, *kinds: type[Fact], **options: Any) -> None:
        super().__init__(**options)
        self.kinds = kinds

    @property
    def bindings(self) -> tuple[tuple[str, str], ...]:
        """Where the events come from, and of what type."""
        return tuple((kind.source, kind.type) for kind in self.kinds)

    def setup(self) -> None:
        """Name the queue after the service and the method, and join the consumer."""
        self.topology = SubscriptionTopology(self.container.service_name, self.method_name, self.bindings)
        self.queue = self.topology.queue
        self.queues = self.topology.queues
        self.declare = self.topology.declare
        self._redelivers = redeliver_exchange(self.topology.consumer).name
        self.queue_consumer.register_provider(self)

    def stop(self) -> None:
        """Take no more messages."""
        self.queue_consumer.unregister_provider(self)

    def arguments(self, body: bytes) -> tuple[Any, ...]:
        """What the method is called with; raises `Invalid` for a message that can't be read."""
        event = read_event(body)
        return event, event.fact()

    def handle_message(self, message: Any) -> None:
        """Read a message and call the method in a worker."""
        try:
            _check_properties(message)
            arguments = self.arguments(_bytes(message.body))
            self._check_origin(arguments[0], self._origin(message))
        except Exception as error:  # noqa: BLE001 - whatever a message does to its reader, the process goes on
            self._refuse(message, error)
        else:
            self._work(message, arguments)

    def _check_origin(self, event: Event, exchange: str) -> None:
        """Only a service itself may publish on its exchange, so that is what proves whose event it is."""
        if exchange != events_exchange_name(event.source):
            raise Invalid("foreign_event", f"an event of {event.source} can't come by {exchange!r}")

    def _origin(self, message: Any) -> str:
        """The exchange that a message came by first; what comes again has it in a header.

        The header counts on the way back alone, where nobody but this service can publish.
        """
        exchange = str(message.delivery_info["exchange"])
        return exchange if exchange != self._redelivers else str(_headers(message).get(ORIGIN_HEADER))

    def _refuse(self, message: Any, error: Exception) -> None:
        self._park(message, f"{type(error).__name__}: {error}")

    def _work(self, message: Any, arguments: tuple[Any, ...]) -> None:
        settle = partial(self._settle, message, arguments)
        try:
            self.container.spawn_worker(self, arguments, {}, handle_result=settle)
        except ContainerBeingKilled:
            self.queue_consumer.requeue(message)

    def _settle(
        self, message: Any, arguments: tuple[Any, ...], _worker_ctx: Any, result: Any, exc_info: Any
    ) -> tuple[Any, Any]:
        error = exc_info[1] if exc_info else None
        if error is None:
            points.passing("before_ack")
            self.queue_consumer.ack(message)
            points.passing("after_ack")
        elif isinstance(error, ABSENT):
            self.container.spawn_managed_thread(partial(self._hold, message, arguments, error))
        elif isinstance(error, Invalid) or _attempt(message) >= ATTEMPTS:
            self._park(message, f"{type(error).__name__}: {error}")
        else:
            self._retry(message, f"{type(error).__name__}: {error}")
        return result, exc_info

    def _hold(self, message: Any, arguments: tuple[Any, ...], error: Exception) -> None:
        log.warning("handler_holds", queue=self.topology.name, error=str(error)[:300])
        eventlet.sleep(HOLD_SECONDS)
        if self.container.stopping:
            self.queue_consumer.requeue(message)
        else:
            self._work(message, arguments)

    def _retry(self, message: Any, error: str) -> None:
        attempt = _attempt(message)
        tier = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS)) - 1]
        RETRIED.labels(self.topology.name).inc()
        log.warning("handler_failed", queue=self.topology.name, attempt=attempt, retry_in_seconds=tier, error=error)
        exchange = retry_exchange(self.topology.consumer, tier).name
        self._copy(message, exchange, {ATTEMPT_HEADER: attempt + 1})

    def _park(self, message: Any, reason: str) -> None:
        PARKED.labels(self.topology.name).inc()
        log.error("message_parked", queue=self.topology.name, attempt=_attempt(message), reason=reason)
        headers = {
            ATTEMPT_HEADER: _attempt(message),
            REASON_HEADER: reason[:2000].encode(errors="replace").decode(),
            PARKED_AT_HEADER: format_timestamp(clock.now()),
            PARKED_ID_HEADER: new_id(),
        }
        self._copy(message, parked_exchange(self.topology.consumer).name, headers)

    def _copy(self, message: Any, exchange: str, headers: dict[str, Any]) -> None:
        kept = {name: value for name, value in _headers(message).items() if name.startswith("x-lockbox-")}
        copy = Message(
            id=str(message.properties.get("message_id") or new_id()),
            exchange=exchange,
            routing_key=self.topology.name,
            body=_bytes(message.body),
            headers=kept | headers | {ORIGIN_HEADER: self._origin(message)},
        )
        try:
            self.copies.publish(copy)
        except PublishError as error:
            log.error("copy_failed", queue=self.topology.name, error=str(error)[:300])
            eventlet.sleep(HOLD_SECONDS)
            self.queue_consumer.requeue(message)
        else:
            self.queue_consumer.ack(message)


def _check_properties(message: Any) -> None:
    if message.content_type != JSON:
        raise invalid("content_type", "content_type", JSON, message.content_type)
    for name, kind in HEADER_KINDS.items():
        value = _headers(message).get(name)
        if value is not None and not isinstance(value, kind):
            raise invalid("header", name, f"a header of kind {kind.__name__}", value)


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)


def _headers(message: Any) -> dict[str, Any]:
    return message.headers if isinstance(message.headers, dict) else {}


def _attempt(message: Any) -> int:
    attempt = _headers(message).get(ATTEMPT_HEADER, 1)
    return attempt if isinstance(attempt, int) and attempt > 0 else 1


subscribe = Subscription.decorator
