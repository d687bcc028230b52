"""RPC, the calling side: `services.call(caller, message)` answers typed, or raises, before its deadline."""

import json
from pathlib import Path
from typing import Any, TypeVar, cast

import eventlet
import structlog
from eventlet.event import Event as Arrival
from kombu import Connection, Queue
from kombu.exceptions import OperationalError
from nameko.amqp.publish import Publisher, UndeliverableMessage
from nameko.exceptions import RemoteError, deserialize
from nameko.extensions import DependencyProvider, SharedExtension

from lockbox import clock
from lockbox.contracts import wire
from lockbox.contracts.calls import Call
from lockbox.contracts.identity import Caller
from lockbox.crypto.keys import load_signing_key
from lockbox.errors import Unavailable
from lockbox.ids import new_id
from lockbox.runtime.consumer import RawQueueConsumer
from lockbox.runtime.identity import mint
from lockbox.runtime.metrics import CALLED, measured
from lockbox.runtime.rpc import RPC_EXCHANGE
from lockbox.runtime.topology import ensure_exchange

DEADLINE_SECONDS = 10.0
UNUSED_QUEUE_MS = 300_000

R = TypeVar("R")
log = structlog.get_logger(__name__)


class Replies(SharedExtension):
    """The queue that answers to this process come back on."""

    queue_consumer = RawQueueConsumer()
    prefetch = 200
    workers = 0
    never_waits = True

    def setup(self) -> None:
        """Join the consumer."""
        self.routing_key = new_id()
        self._expected: dict[str, Arrival] = {}
        self.queue = Queue(
            f"rpc.reply-{self.container.service_name}-{self.routing_key}",
            exchange=RPC_EXCHANGE,
            routing_key=self.routing_key,
            queue_arguments={"x-expires": UNUSED_QUEUE_MS},
        )
        self.queues = (self.queue.name,)
        self.queue_consumer.register_provider(self)

    def stop(self) -> None:
        """Take no more answers."""
        self.queue_consumer.unregister_provider(self)

    def declare(self, connection: Connection) -> None:
        """Make the queue and its binding, or find them there."""
        ensure_exchange(connection, RPC_EXCHANGE)
        with connection.channel() as channel:
            queue = self.queue(channel)
            queue.queue_declare()
            queue.queue_bind()

    def expect(self, correlation_id: str) -> Arrival:
        """Something to wait on for the answer of this call."""
        self._expected[correlation_id] = Arrival()
        return self._expected[correlation_id]

    def forget(self, correlation_id: str) -> None:
        """Nobody waits for this answer any more."""
        self._expected.pop(correlation_id, None)

    def handle_message(self, message: Any) -> None:
        """Wake who waits for this answer; a late or unreadable one is dropped."""
        self.queue_consumer.ack(message)
        waiting = self._expected.pop(str(message.properties.get("correlation_id")), None)
        if waiting is None:
            return
        try:
            waiting.send(json.loads(message.body))
        except ValueError as error:
            waiting.send_exception(Unavailable("service_failed", f"the answer is not JSON: {error}"))


class Services(DependencyProvider):
    """Gives the edge its way to the other services; each call carries a fresh caller token."""

    replies = Replies()

    def setup(self) -> None:
        """Read the signing key."""
        self._key = load_signing_key(Path(self.container.config["CALLER_SIGNING_KEY"]))
        self._publisher = Publisher(self.container.config["AMQP_URI"], mandatory=True)

    def get_dependency(self, worker_ctx: object) -> "Services":
        """The caller itself; it keeps nothing of one call for the next."""
        return self

    def call(self, caller: Caller, message: Call[R]) -> R:
        """The answer to a message; raises what the service raised, or `Unavailable` after `DEADLINE_SECONDS`.

        A message that nobody took until then is dropped by the broker.
        """
        with measured(CALLED, message.service, message.method):
            return self._call(caller, message)

    def _call(self, caller: Caller, message: Call[R]) -> R:
        correlation_id = new_id()
        arrival = self.replies.expect(correlation_id)
        timeout = eventlet.Timeout(DEADLINE_SECONDS)
        try:
            self._send(caller, message, correlation_id)
            body = arrival.wait()
        except eventlet.Timeout as elapsed:
            if elapsed is not timeout:
                raise
            raise Unavailable("service_timeout", f"{message.service} did not answer in time") from elapsed
        finally:
            timeout.cancel()
            self.replies.forget(correlation_id)
        return cast(R, wire.decode(message.answer, _result(message, body), tolerant=True))

    def _send(self, caller: Caller, message: Call[Any], correlation_id: str) -> None:
        try:
            self._publisher.publish(
                {"args": [wire.encode(message)], "kwargs": {}},
                exchange=RPC_EXCHANGE,
                routing_key=f"{message.service}.{message.method}",
                reply_to=self.replies.routing_key,
                correlation_id=correlation_id,
                expiration=DEADLINE_SECONDS,
                extra_headers={"nameko.auth_token": mint(caller, self._key, clock.now())},
            )
        except UndeliverableMessage as error:
            raise Unavailable("service_absent", f"{message.service} has never been started") from error
        except (OperationalError, OSError) as error:
            raise Unavailable("broker_unavailable", "the message broker does not answer") from error


def _result(message: Call[Any], body: dict[str, Any]) -> object:
    if not body["error"]:
        return body["result"]
    error = deserialize(body["error"])
    if isinstance(error, RemoteError):
        log.error("service_failed", service=message.service, method=message.method, error=str(error)[:500])
        raise Unavailable("service_failed", f"{message.service} could not answer; its log says why")
    raise error
