"""The request for events that a service may have missed: each source then compares published and received ones.

It goes to every source whenever the service has connected its queues to the broker, and when one of them was made or
bound again. Whatever was published while a queue was away is published again, and nothing else.
"""

import json
from collections.abc import Iterable

import structlog
from nameko.extensions import SharedExtension

from lockbox.ids import new_id
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.publisher import ConfirmedPublisher, Message, PublishError
from lockbox.runtime.broker.topology import reconcile_exchange
from lockbox.runtime.broker.watch import Watch

REQUEST = json.dumps({"again": True}).encode()

log = structlog.get_logger(__name__)


class EventsAgain(SharedExtension):
    """The requests of one process, for the sources that its subscriptions name."""

    queue_consumer = RawQueueConsumer()
    watch = Watch()

    def __init__(self) -> None:
        super().__init__()
        self._sources: set[str] = set()

    def setup(self) -> None:
        """Have the sources asked after each connection and each repair."""
        self._publisher = ConfirmedPublisher(self.container.config["AMQP_URI"])
        self.queue_consumer.after_declaring.append(self._ask_in_own_thread)
        self.watch.repaired.append(self._ask)

    def stop(self) -> None:
        """Drop the connection."""
        self._publisher.close()

    def register(self, sources: Iterable[str]) -> None:
        """Register sources of events."""
        self._sources.update(sources)

    def _ask_in_own_thread(self) -> None:
        if self._sources:
            self.container.spawn_managed_thread(self._ask, identifier="events_again")

    def _ask(self) -> None:
        """Ask every source. One that has never run needs no question, and a lost one is asked by its own rounds."""
        exchange = reconcile_exchange(self.container.service_name).name
        try:
            self._publisher.publish([Message(new_id(), exchange, source, REQUEST) for source in sorted(self._sources)])
        except PublishError as error:
            log.warning("events_not_asked_for", error=str(error)[:300])
