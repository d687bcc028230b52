"""Consumption in batches: one call and one write for all events that have come meanwhile."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import eventlet
import structlog
from eventlet.event import Event as Outcome
from eventlet.queue import LightQueue
from nameko.exceptions import ContainerBeingKilled

from lockbox.contracts.events import Event, read_event
from lockbox.contracts.listeners import SOURCES
from lockbox.errors import Invalid
from lockbox.runtime import points
from lockbox.runtime.subscription import ABSENT, HOLD_SECONDS, Subscription

Arrival = tuple[Event, bytes]
Gathered = list[tuple[Any, Arrival]]
Answer = tuple[Sequence[Invalid | None], Any]

log = structlog.get_logger(__name__)


class EveryEvent(Subscription):
    """Calls the decorated method with events of every service, known or not: `method(self, arrivals)`.

    `arrivals` is a sequence of events, each with the bytes that were published, in the order in which they came, at
    most `prefetch` at once. For each the method returns None, or the `Invalid` for which it is parked. If it raises,
    each event is tried by itself, so that one can't harm the others.
    """

    prefetch = 500

    @property
    def bindings(self) -> tuple[tuple[str, str], ...]:
        """All types of all sources."""
        return tuple((source, "#") for source in SOURCES)

    def setup(self) -> None:
        """Join the consumer."""
        super().setup()
        self._gathered: LightQueue = LightQueue()
        self._in_hand = 0
        self._stopping = False

    def start(self) -> None:
        """Begin to work off what is gathered."""
        self.container.spawn_managed_thread(self._run, identifier=f"{self.method_name}.batches")

    def stop(self) -> None:
        """Take no more messages, and return when those that were taken are settled."""
        super().stop()
        self._stopping = True
        eventlet.sleep(0)
        while self._in_hand:
            eventlet.sleep(0.05)

    def arguments(self, body: bytes) -> Arrival:
        """The envelope, and the bytes that were published."""
        return read_event(body), body

    def _work(self, message: Any, arguments: tuple[Any, ...]) -> None:
        self._in_hand += 1
        self._gathered.put((message, arguments))

    def _run(self) -> None:
        while True:
            batch: Gathered = [self._gathered.get()]
            while len(batch) < self.prefetch and not self._gathered.empty():
                batch.append(self._gathered.get_nowait())
            self._deliver(batch)
            self._in_hand -= len(batch)

    def _deliver(self, batch: Gathered) -> None:
        refusals, exc_info = self._call_until_answered([arrival for _, arrival in batch])
        if exc_info is None:
            self._settle_each(batch, refusals)
        elif isinstance(exc_info[1], (*ABSENT, ContainerBeingKilled)):
            for message, _ in batch:
                self.queue_consumer.requeue(message)
        elif len(batch) > 1:
            for one in batch:
                self._deliver([one])
        else:
            [(message, arrival)] = batch
            self._settle(message, arrival, None, None, exc_info)

    def _call_until_answered(self, arrivals: Sequence[Arrival]) -> Answer:
        """The method's answer; an absence is waited out unless the process is to stop."""
        while True:
            refusals, exc_info = self._call(arrivals)
            if exc_info is None or not isinstance(exc_info[1], ABSENT) or self._stopping:
                return refusals, exc_info
            log.warning("handler_holds", queue=self.topology.name, events=len(arrivals), error=str(exc_info[1])[:300])
            eventlet.sleep(HOLD_SECONDS)

    def _call(self, arrivals: Sequence[Arrival]) -> Answer:
        outcome = Outcome()
        try:
            self.container.spawn_worker(self, (arrivals,), {}, handle_result=partial(_keep, outcome))
        except ContainerBeingKilled as error:
            return (), (type(error), error, None)
        answer: Answer = outcome.wait()
        return answer

    def _settle_each(self, batch: Gathered, refusals: Sequence[Invalid | None]) -> None:
        points.passing("before_ack")
        for (message, _), refusal in zip(batch, refusals, strict=True):
            if refusal is None:
                self.queue_consumer.ack(message)
            else:
                self._park(message, f"{type(refusal).__name__}: {refusal}")
        points.passing("after_ack")


def _keep(outcome: Outcome, _worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
    outcome.send((result, exc_info))
    return result, exc_info


subscribe_in_batches = EveryEvent.decorator
