"""Readiness of a service: asked of the servers themselves, at most once a second."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import structlog
from amqp.exceptions import NotFound
from eventlet.semaphore import Semaphore
from kombu import Connection, Queue
from nameko.extensions import SharedExtension
from pymongo.errors import PyMongoError

from lockbox.runtime.broker.connection import visit
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.publisher import LOST
from lockbox.runtime.storage.mongo import Mongo

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Kept(Generic[T]):
    """A cached answer with a lifetime in seconds."""

    def __init__(self, ask: Callable[[], T], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._until = 0.0
        self._one_at_a_time = Semaphore()

    def __call__(self) -> T:
        """Return the answer, asked again when it is too old."""
        with self._one_at_a_time:
            if time.monotonic() >= self._until:
                self._answer = self._ask()
                self._until = time.monotonic() + self._seconds
            return self._answer


class Readiness(SharedExtension):
    """The readiness of a service's queues and database."""

    mongo = Mongo()
    queue_consumer = RawQueueConsumer()

    def setup(self) -> None:
        """Prepare the cached answers."""
        self._faults = Kept(lambda: list(self._ask()), seconds=1.0)
        self.queues = Kept(self._count, seconds=5.0)

    def missing(self) -> list[str]:
        """Return the names of missing parts; empty when the service is ready."""
        return ["stopping"] if self.container.stopping else self._faults()

    def _ask(self) -> Iterator[str]:
        if not self.queue_consumer.attached:
            yield "consumers"
        elif self.queues() is None:
            yield "topology"
        try:
            self.mongo.try_write()
        except PyMongoError as error:
            log.warning("mongodb_takes_no_write", error=str(error)[:300])
            yield "mongodb"

    def _count(self) -> dict[str, int] | None:
        """Return the number of messages in each queue of the service; None where a queue is missing or can't be seen.

        A queue that is missing is made again.
        """
        try:
            with visit(self.container.config["AMQP_URI"]) as connection:
                return self._look(connection)
        except LOST as error:
            log.warning("queues_not_seen", error=str(error)[:300])
            return None

    def _look(self, connection: Connection) -> dict[str, int] | None:
        counted: dict[str, int] = {}
        for provider in self.queue_consumer.providers:
            try:
                counted |= {name: _messages(connection, name) for name in provider.queues}
            except NotFound as error:
                log.error("queue_missing", error=str(error)[:300])
                provider.declare(connection)
                return None
        return counted


def _messages(connection: Connection, name: str) -> int:
    with connection.channel() as channel:
        declared: Any = Queue(name)(channel).queue_declare(passive=True)
        return int(declared.message_count)
