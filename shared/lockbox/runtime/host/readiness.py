"""Readiness of a service: asked of the servers themselves, at most once a second, and answered within one second."""

import time
from typing import Any

import structlog
from amqp.exceptions import NotFound
from kombu import Connection, Queue
from nameko.extensions import SharedExtension
from pymongo.errors import PyMongoError

from lockbox.runtime.broker.alarm import alarm
from lockbox.runtime.broker.connection import visit
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.publisher import LOST
from lockbox.runtime.broker.watch import Watch
from lockbox.runtime.process.checks import Check
from lockbox.runtime.storage.address import SETTING
from lockbox.runtime.storage.mongo import Mongo

ANSWER_SECONDS = 0.5
"""The time for all checks together: a probe that waits a second gets its answer."""

log = structlog.get_logger(__name__)


class Readiness(SharedExtension):
    """The readiness of a service's queues and database."""

    mongo = Mongo()
    queue_consumer = RawQueueConsumer()
    watch = Watch()

    def setup(self) -> None:
        """Prepare the checks; a part that does not answer in time is missing."""
        self.reported: set[str] = set()
        self._queues: Check[dict[str, int] | None] = Check(self._count, late=None, kept=5.0, lenient=10.0)
        self._takes_writes = Check(self._write, late=False, lenient=3.0)

    def missing(self) -> list[str]:
        """Return the names of missing parts; empty when the service is ready."""
        if self.container.stopping:
            return ["stopping"]
        attached, until = self.queue_consumer.attached, time.monotonic() + ANSWER_SECONDS
        self._takes_writes.begin()
        answers = {
            "consumers": attached,
            "topology": not attached or self._queues.within(ANSWER_SECONDS) is not None,
            "mongodb": self._takes_writes.within(until - time.monotonic()),
            "broker_blocked": not alarm,
            "handlers": not any(getattr(provider, "holding", False) for provider in self.queue_consumer.providers),
        }
        removed = (f"topology: {name}" for name in self.watch.faults())
        return [*(name for name, there in answers.items() if not there), *removed, *sorted(self.reported)]

    def queues(self) -> dict[str, int] | None:
        """Return the number of messages in each queue of the service, or None if it can't be seen now."""
        return self._queues.within(ANSWER_SECONDS)

    def _write(self) -> bool:
        try:
            self.mongo.try_write()
        except PyMongoError as error:
            log.warning("mongodb_takes_no_write", setting=SETTING, error=str(error)[:300])
            return False
        return True

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
