"""Event consumption: the one entrypoint that every service uses in place of Nameko's `event_handler`.

A message is acknowledged when its handler has returned, or when a copy of it is safe in a retry tier or among the
parked messages; never before. What can't be read or can't be right is parked at once with its reason. While MongoDB
is away or refuses, a message is held, and no attempt is counted.
"""

from functools import partial
from typing import Any

import eventlet
import structlog
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint

from lockbox.contracts.events import Event, Fact, read_event
from lockbox.contracts.listeners import INTAKE_QUEUE, LISTENERS
from lockbox.errors import Invalid, invalid
from lockbox.faults import Expected
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.redelivery import (
    ATTEMPT_HEADER,
    HOLD_SECONDS,
    CopyPublisher,
    attempt_of,
    body_of,
    headers_of,
    origin_of,
)
from lockbox.runtime.broker.topology import (
    RETRY_SECONDS,
    SubscriptionTopology,
    events_exchange_name,
    retry_exchange,
    service_of,
)
from lockbox.runtime.events.again import EventsAgain
from lockbox.runtime.events.holding import Holding, is_absent
from lockbox.runtime.events.receipts import Receipts
from lockbox.runtime.process import crash_points
from lockbox.runtime.process.metrics import RETRIED

ATTEMPTS = 5
HEADER_KINDS = {ATTEMPT_HEADER: int, "nameko.call_id_stack": list}
JSON = "application/json"

log = structlog.get_logger(__name__)


class Subscription(Entrypoint):
    """An entrypoint for events of some kinds: `method(self, event, fact)`."""

    queue_consumer = RawQueueConsumer()
    copies = CopyPublisher()
    receipts = Receipts()
    again = EventsAgain()
    prefetch = workers = 20
    never_waits = False

    def __init__(self, *kinds: type[Fact], **options: Any) -> None:
        super().__init__(**options)
        self.kinds = kinds

    @property
    def bindings(self) -> tuple[tuple[str, str], ...]:
        """The sources and types of the events."""
        return tuple((kind.source, kind.type) for kind in self.kinds)

    def setup(self) -> None:
        """Name the queue after the service and the method, and register with the queue consumer."""
        self.topology = SubscriptionTopology(self.container.service_name, self.method_name, self.bindings)
        self.queue = self.topology.queue
        self.queues = self.topology.queues
        self.bound = frozenset(self.topology.all_bindings)
        self.declare = self.topology.declare
        self.holding = Holding(self.topology.name)
        if self.topology.name in (INTAKE_QUEUE, *LISTENERS):
            self.again.register(source for source, _ in self.bindings)
        self.queue_consumer.register_provider(self)

    def stop(self) -> None:
        """Stop reading messages."""
        self.queue_consumer.unregister_provider(self)

    def arguments(self, body: bytes) -> tuple[Any, ...]:
        """Return the arguments of the method; raise `Invalid` for a message that can't be read."""
        event = read_event(body)
        return event, event.fact()

    def handle_message(self, message: Any) -> None:
        """Read a message and call the method in a worker."""
        try:
            _check_properties(message)
            arguments = self.arguments(body_of(message))
            self._check_origin(arguments[0], origin_of(message, self.topology))
        except Exception as error:  # noqa: BLE001 - whatever a message does to its reader, the process goes on
            self._refuse(message, error)
        else:
            self._work(message, arguments)

    def _check_origin(self, event: Event, exchange: str) -> None:
        """Require the exchange of the event's source, on which that service alone may publish."""
        if exchange != events_exchange_name(event.source):
            raise Invalid("foreign_event", f"an event of {event.source} can't come by {exchange!r}")

    def _refuse(self, message: Any, error: Exception) -> None:
        if self.copies.park(message, self.topology, f"{type(error).__name__}: {error}"):
            source, event_id = service_of(origin_of(message, self.topology)), message.properties.get("message_id")
            self.receipts.add(self.topology.name, source, str(event_id))

    def _receive(self, event: Event, due_in: float | None = None) -> None:
        self.receipts.add(self.topology.name, event.source, event.id, due_in)

    def _work(self, message: Any, arguments: tuple[Any, ...]) -> None:
        finish = partial(self._finish, message, arguments)
        try:
            self.container.spawn_worker(self, arguments, {}, handle_result=finish)
        except ContainerBeingKilled:
            self.queue_consumer.requeue(message)

    def _finish(
        self, message: Any, arguments: tuple[Any, ...], _worker_ctx: Any, result: Any, exc_info: Any
    ) -> tuple[Any, Any]:
        error = exc_info[1] if exc_info else None
        if is_absent(error):
            self.holding.begin([id(message)], error)
            self.container.spawn_managed_thread(partial(self._hold, message, arguments))
            return result, exc_info
        self.holding.end([id(message)])
        if error is None:
            self._receive(arguments[0])
            crash_points.passing("before_ack")
            self.queue_consumer.ack(message)
            crash_points.passing("after_ack")
        elif isinstance(error, Invalid) or attempt_of(message) >= ATTEMPTS:
            if self.copies.park(message, self.topology, f"{type(error).__name__}: {error}"):
                self._receive(arguments[0])
        else:
            self._retry(message, arguments[0], f"{type(error).__name__}: {error}")
        return result, exc_info

    def _hold(self, message: Any, arguments: tuple[Any, ...]) -> None:
        """Try again after a while; let a message of a lost channel go, as the broker delivers it again."""
        eventlet.sleep(HOLD_SECONDS)
        if self.container.stopping or not self.queue_consumer.in_hand(message):
            self.holding.end([id(message)])
            self.queue_consumer.requeue(message)
        else:
            self._work(message, arguments)

    def _retry(self, message: Any, event: Event, error: str) -> None:
        attempt = attempt_of(message)
        tier = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS)) - 1]
        exchange = retry_exchange(self.topology.consumer, tier).name
        if not self.copies.move(message, self.topology, exchange, {ATTEMPT_HEADER: attempt + 1}):
            return
        RETRIED.labels(self.topology.name).inc()
        log.warning("handler_failed", queue=self.topology.name, attempt=attempt, retry_in_seconds=tier, error=error)
        self._receive(event, due_in=tier)


def _check_properties(message: Any) -> None:
    content_type = message.properties.get("content_type")
    if content_type != JSON:
        raise invalid("content_type", Expected("wrong_content_type", type=JSON), content_type, "content_type")
    for name, kind in HEADER_KINDS.items():
        value = headers_of(message).get(name)
        if value is not None and not isinstance(value, kind):
            raise invalid(name, Expected("wrong_header", kind=kind.__name__), value, "header")


subscribe = Subscription.decorator
