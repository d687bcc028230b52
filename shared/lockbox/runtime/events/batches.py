"""Consumption in batches: one call and one write for all events that have come meanwhile."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import eventlet
import structlog
from eventlet.event import Event as Signal
from nameko.exceptions import ContainerBeingKilled

from lockbox.contracts.events import Event, read_event
from lockbox.contracts.listeners import SOURCES
from lockbox.errors import Invalid
from lockbox.runtime.broker.redelivery import HOLD_SECONDS
from lockbox.runtime.events.holding import is_absent
from lockbox.runtime.events.subscription import Subscription
from lockbox.runtime.process import crash_points

BATCH = 1_000

ReceivedEvent = tuple[Event, bytes]
Batch = list[tuple[Any, ReceivedEvent]]
Answer = tuple[Sequence[Invalid | None], Any]

log = structlog.get_logger(__name__)


class EveryEvent(Subscription):
    """An entrypoint for events of every service, known or not, in batches: `method(self, received)`.

    `received` is a sequence of events, each with the bytes that were published, in the order in which they came, at
    most `BATCH` at once. For each the method returns None, or the `Invalid` for which it is parked. If it raises,
    each event is tried by itself, so that one can't harm the others. While a batch is written the next is read, and
    what is to be parked is not waited for.
    """

    prefetch = 2 * BATCH
    workers = 1
    never_waits = True

    @property
    def bindings(self) -> tuple[tuple[str, str], ...]:
        """The bindings: all types of all sources."""
        return tuple((source, "#") for source in SOURCES)

    def setup(self) -> None:
        """Register with the queue consumer."""
        super().setup()
        self._gathered: deque[tuple[Any, ReceivedEvent]] = deque()
        self._arrived = Signal()
        self._in_hand = 0
        self._stopping = False

    def start(self) -> None:
        """Start to deliver the gathered events."""
        self.container.spawn_managed_thread(self._run, identifier=f"{self.method_name}.batches")

    def stop(self) -> None:
        """Stop reading messages, and return when those in hand are acknowledged."""
        super().stop()
        self._stopping = True
        eventlet.sleep(0)
        while self._in_hand:
            eventlet.sleep(0.05)

    def arguments(self, body: bytes) -> ReceivedEvent:
        """Return the envelope, and the bytes that were published."""
        return read_event(body), body

    def handle_message(self, message: Any) -> None:
        """Read a message and put it with the others."""
        self._in_hand += 1
        super().handle_message(message)

    def _work(self, message: Any, arguments: tuple[Any, ...]) -> None:
        self._gathered.append((message, arguments))
        if not self._arrived.ready():
            self._arrived.send()

    def _refuse(self, message: Any, error: Exception) -> None:
        self._in_own_thread(partial(super()._refuse, message, error))

    def _in_own_thread(self, finish: Callable[[], object]) -> None:
        """Finish one message in a thread of its own, as it may take long."""

        def run() -> None:
            finish()
            self._in_hand -= 1

        self.container.spawn_managed_thread(run, identifier=f"{self.method_name}.own_thread")

    def _run(self) -> None:
        while True:
            self._arrived.wait()
            self._arrived = Signal()
            while self._gathered:
                size = min(len(self._gathered), BATCH)
                self._deliver([self._gathered.popleft() for _ in range(size)])

    def _deliver(self, batch: Batch) -> None:
        batch, refusals, exc_info = self._call_until_answered(batch)
        if exc_info is None:
            self._acknowledge(batch, refusals)
        elif is_absent(exc_info[1]) or isinstance(exc_info[1], ContainerBeingKilled):
            self._requeue(batch)
        elif len(batch) > 1:
            for one in batch:
                self._deliver([one])
        else:
            [(message, event)] = batch
            self._in_own_thread(partial(self._finish, message, event, None, None, exc_info))

    def _call_until_answered(self, batch: Batch) -> tuple[Batch, Sequence[Invalid | None], Any]:
        """Return the method's answer; wait while MongoDB is away, unless the process is to stop.

        Meanwhile messages whose channel was lost are let go: they come again by themselves.
        """
        while batch:
            refusals, exc_info = self._call([event for _, event in batch])
            keys = [id(message) for message, _ in batch]
            if exc_info is None or not is_absent(exc_info[1]) or self._stopping:
                self.holding.end(keys)
                return batch, refusals, exc_info
            self.holding.begin(keys, exc_info[1])
            eventlet.sleep(HOLD_SECONDS)
            batch = self._still_in_hand(batch)
            self._gathered = deque(self._still_in_hand(self._gathered))
        return [], (), None

    def _still_in_hand(self, gathered: Iterable[tuple[Any, ReceivedEvent]]) -> Batch:
        kept: Batch = []
        lost: Batch = []
        for one in gathered:
            (kept if self.queue_consumer.in_hand(one[0]) else lost).append(one)
        self.holding.end([id(message) for message, _ in lost])
        self._requeue(lost)
        return kept

    def _call(self, received: Sequence[ReceivedEvent]) -> Answer:
        outcome = Signal()
        try:
            self.container.spawn_worker(self, (received,), {}, handle_result=partial(_keep, outcome))
        except ContainerBeingKilled as error:
            return (), (type(error), error, None)
        answer: Answer = outcome.wait()
        return answer

    def _acknowledge(self, batch: Batch, refusals: Sequence[Invalid | None]) -> None:
        crash_points.passing("before_ack")
        done = [message for (message, _), refusal in zip(batch, refusals, strict=True) if refusal is None]
        self.queue_consumer.ack(*done)
        self._in_hand -= len(done)
        crash_points.passing("after_ack")
        for (message, _), refusal in zip(batch, refusals, strict=True):
            if refusal is not None:
                self._refuse(message, refusal)

    def _requeue(self, batch: Batch) -> None:
        for message, _ in batch:
            self.queue_consumer.requeue(message)
        self._in_hand -= len(batch)


def _keep(outcome: Signal, _worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
    outcome.send((result, exc_info))
    return result, exc_info


subscribe_in_batches = EveryEvent.decorator
