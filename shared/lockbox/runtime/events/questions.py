"""The questions of reconciliation, and their answers by audit_service.

A question is `{"digests": {id: SHA-256, ...}}` on the exchange `<service>.reconcile` with the routing key `published`;
the answer is `{"on_record": [...], "missing": [...], "contradicted": [...]}` on `audit_service.reconcile` with the
service's name as routing key. Only a service itself may publish on its exchange, so the exchange names the source of
the events.
"""

import json
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import Any

import structlog
from kombu import Queue
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint

from lockbox.contracts.listeners import SOURCES
from lockbox.ids import new_id
from lockbox.runtime.broker.bound_queue import BoundQueue
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.publisher import ConfirmedPublisher, Message, PublishError
from lockbox.runtime.broker.topology import RECONCILER, reconcile_exchange, service_of

ASKED = "published"
ASKED_AT_ONCE = 1_000
KEPT = {"x-queue-type": "quorum", "x-max-length": 1_000}

log = structlog.get_logger(__name__)


def asker(message: Any) -> str:
    """Return the service that asks, or answers: the one that may publish on the exchange."""
    return service_of(str(message.delivery_info["exchange"]))


def expiring(seconds: float) -> dict[str, str]:
    """Return the property of a question that is asked again after so long."""
    return {"expiration": str(int(seconds * 1000))}


class Questions(Entrypoint):
    """An entrypoint for reconciliation questions: `method(self, source, digests)` gives an `OnRecord`."""

    queue_consumer = RawQueueConsumer()
    prefetch = workers = 5
    never_waits = False
    topology = None

    def setup(self) -> None:
        """Register with the queue consumer."""
        self._publisher = ConfirmedPublisher(self.container.config["AMQP_URI"])
        self.queue = Queue(f"{RECONCILER}.{self.method_name}.v1", durable=True, queue_arguments=KEPT)
        self.queues = (self.queue.name,)
        bound = BoundQueue(self.queue, tuple((reconcile_exchange(source), ASKED) for source in SOURCES))
        self.bound, self.declare = bound.bound, bound.declare
        self.queue_consumer.register_provider(self)

    def stop(self) -> None:
        """Stop reading questions."""
        self.queue_consumer.unregister_provider(self)

    def handle_message(self, message: Any) -> None:
        """Answer a question."""
        try:
            asked = json.loads(message.body)["digests"]
            digests = {str(event_id): str(digest) for event_id, digest in islice(asked.items(), ASKED_AT_ONCE)}
            arguments = (asker(message), digests)
            self.container.spawn_worker(self, arguments, {}, handle_result=partial(self._answer, message))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ContainerBeingKilled) as error:
            log.warning("question_not_heeded", error=f"{type(error).__name__}: {error}"[:300])
            self.queue_consumer.ack(message)

    def _answer(self, message: Any, _worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        if exc_info is None:
            body = json.dumps(asdict(result)).encode()
            self._send(Message(new_id(), reconcile_exchange(RECONCILER).name, asker(message), body))
        self.queue_consumer.ack(message)
        return result, exc_info

    def _send(self, answer: Message) -> None:
        try:
            self._publisher.publish([answer])
        except PublishError as error:
            log.warning("answer_not_sent", error=str(error)[:300])


answer_questions = Questions.decorator
