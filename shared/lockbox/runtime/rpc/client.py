"""RPC, the calling side: `services.call(caller, message)` answers typed, or raises, before its deadline."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import eventlet
import structlog
from amqp.exceptions import NotFound
from eventlet.event import Event as Signal
from kombu import Connection, Queue
from nameko.exceptions import ConfigurationError
from nameko.extensions import DependencyProvider, SharedExtension

from lockbox import clock
from lockbox.contracts import wire
from lockbox.contracts.calls import Call
from lockbox.contracts.identity import Caller
from lockbox.crypto.canonical import canonical, digest
from lockbox.crypto.keys import load_signing_key
from lockbox.errors import Forbidden, Invalid, LockboxError, Unavailable
from lockbox.ids import new_id
from lockbox.runtime.broker.connection import connection_to
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.publisher import Blocked, Message, PublishError
from lockbox.runtime.broker.publisher_pool import Publishers
from lockbox.runtime.broker.topology import ANSWERS_EXCHANGE, CALLS_EXCHANGE, Binding, ensure_exchange
from lockbox.runtime.process.metrics import CALLED, measured
from lockbox.runtime.rpc.caller_token import CallScope, mint
from lockbox.runtime.rpc.errors import RemoteError, deserialize

DEADLINE_SECONDS = 10.0
SHORTEST_DEADLINE, LONGEST_DEADLINE = 1.0, 20.0
"""Bounds of the setting, in seconds: a caller token is refused 30 s after it was minted."""

UNUSED_QUEUE_MS = 300_000
CLOCKS_APART = {"token_expired", "token_not_yet_valid"}
"""Codes for a caller token that was minted a moment ago: a fault of the clocks and not of the caller."""

R = TypeVar("R")
log = structlog.get_logger(__name__)


class Replies(SharedExtension):
    """The queue of the answers to this process."""

    queue_consumer = RawQueueConsumer()
    prefetch = 200
    workers = 0
    topology = None
    bound: frozenset[Binding] = frozenset()
    never_waits = True

    def setup(self) -> None:
        """Register with the queue consumer."""
        self._expected: dict[str, tuple[str, Signal]] = {}
        own = connection_to(self.container.config["AMQP_URI"]).userid
        self._shared_user = None if own == self.container.service_name else own
        self._name_queue()
        self.queue_consumer.register_provider(self)

    def stop(self) -> None:
        """Stop reading answers."""
        self.queue_consumer.unregister_provider(self)

    def declare(self, connection: Connection) -> None:
        """Declare the queue and its binding; under another name if its node is down."""
        ensure_exchange(connection, ANSWERS_EXCHANGE)
        try:
            self._declare(connection)
        except NotFound as error:
            log.warning("reply_queue_lost", error=str(error)[:300])
            self._name_queue()
            self._declare(connection)

    def _name_queue(self) -> None:
        self.routing_key = new_id()
        self.queue = Queue(
            f"rpc.reply-{self.container.service_name}-{self.routing_key}",
            exchange=ANSWERS_EXCHANGE,
            routing_key=self.routing_key,
            queue_arguments={"x-expires": UNUSED_QUEUE_MS},
        )
        self.queues = (self.queue.name,)

    def _declare(self, connection: Connection) -> None:
        with connection.channel() as channel:
            queue = self.queue(channel)
            queue.queue_declare()
            queue.queue_bind()

    def expect(self, correlation_id: str, service: str) -> Signal:
        """Return an event that the answer of this call, by this service, will set."""
        answered = Signal()
        self._expected[correlation_id] = (service, answered)
        return answered

    def forget(self, correlation_id: str) -> None:
        """Stop to expect an answer."""
        self._expected.pop(correlation_id, None)

    def handle_message(self, message: Any) -> None:
        """Hand an answer to the call that waits for it; a late answer is dropped, and so is another service's.

        The broker vouches for the user that published it (RabbitMQ's validated user id). On a broker of the operator's
        own, where all services share one user, that is the user of them all.
        """
        self.queue_consumer.ack(message)
        correlation_id = str(message.properties.get("correlation_id"))
        service, waiting = self._expected.get(correlation_id, ("", None))
        if waiting is None:
            return
        if message.properties.get("user_id") != (self._shared_user or service):
            log.error("answer_of_another_service", service=service, published_by=message.properties.get("user_id"))
            return
        self.forget(correlation_id)
        try:
            waiting.send(json.loads(message.body))
        except (ValueError, RecursionError) as error:
            waiting.send_exception(Unavailable("service_failed", f"the answer is not JSON: {error}"))


def read_deadline(config: Mapping[str, Any]) -> float:
    """Return the seconds that a call may take; raise ConfigurationError that names the setting."""
    given = config["CALL_DEADLINE_SECONDS"]
    if isinstance(given, int | float) and SHORTEST_DEADLINE <= given <= LONGEST_DEADLINE:
        return float(given)
    expected = f"{SHORTEST_DEADLINE:g} to {LONGEST_DEADLINE:g}, not {given!r}"
    raise ConfigurationError(f"config.yml: CALL_DEADLINE_SECONDS: expected seconds from {expected}")


class RpcClient(DependencyProvider):
    """The RPC client of the portal; each call carries a caller token of its own."""

    replies = Replies()
    _deadline = DEADLINE_SECONDS

    def setup(self) -> None:
        """Read the deadline and the signing key."""
        self._deadline = read_deadline(self.container.config)
        self._key = load_signing_key(Path(self.container.config["CALLER_SIGNING_KEY"]))
        self._publishers = Publishers(self.container.config["AMQP_URI"])

    def stop(self) -> None:
        """Drop the connections."""
        self._publishers.close()

    def get_dependency(self, worker_ctx: object) -> "RpcClient":
        """Return the client itself; it keeps nothing of one call for the next."""
        return self

    def call(self, caller: Caller, message: Call[R], service: str | None = None) -> R:
        """Return the answer to a message; raise the service's error, or `Unavailable` after the deadline.

        The broker drops a message that the service has not read until then. `service` names the service for a
        message that every service answers.
        """
        service = service or message.service
        with measured(CALLED, service, message.method):
            return self._call(caller, message, service)

    def _call(self, caller: Caller, message: Call[R], service: str) -> R:
        correlation_id = new_id()
        answered = self.replies.expect(correlation_id, service)
        timeout = eventlet.Timeout(self._deadline)
        try:
            self._send(caller, message, service, correlation_id)
            body = answered.wait()
        except eventlet.Timeout as elapsed:
            if elapsed is not timeout:
                raise
            raise Unavailable("service_timeout", f"{service} did not answer in time") from elapsed
        finally:
            timeout.cancel()
            self.replies.forget(correlation_id)
        return cast(R, _answer(message, service, _result(service, message.method, body)))

    def call_each(self, caller: Caller, message: Call[R], services: Iterable[str]) -> dict[str, R | LockboxError]:
        """Ask several services at once; return the answer or the error of each."""
        asked = {service: eventlet.spawn(self._answer_of, caller, message, service) for service in services}
        return {service: thread.wait() for service, thread in asked.items()}

    def _answer_of(self, caller: Caller, message: Call[R], service: str) -> R | LockboxError:
        try:
            return self.call(caller, message, service)
        except LockboxError as error:
            return error

    def _send(self, caller: Caller, message: Call[Any], service: str, correlation_id: str) -> None:
        try:
            queued = self._publishers.publish(self._message_of(caller, message, service, correlation_id))
        except Blocked as error:
            raise Unavailable("broker_blocked", "the message broker is short of memory or disk") from error
        except PublishError as error:
            raise Unavailable("broker_unavailable", "the message broker does not answer") from error
        if not queued:
            raise Unavailable("service_absent", f"{service} has never been started")

    def _message_of(self, caller: Caller, message: Call[Any], service: str, correlation_id: str) -> Message:
        body = canonical({"args": [wire.encode(message)], "kwargs": {}})
        scope = CallScope(service, message.method, digest(body), self.replies.routing_key)
        return Message(
            id=correlation_id,
            exchange=CALLS_EXCHANGE.name,
            routing_key=f"{service}.{message.method}",
            body=body,
            headers={"nameko.auth_token": mint(caller, scope, self._key, clock.now())},
            properties={
                "reply_to": self.replies.routing_key,
                "correlation_id": correlation_id,
                "expiration": str(int(self._deadline * 1000)),
            },
        )


def _answer(message: Call[Any], service: str, document: object) -> object:
    try:
        return wire.read(message.answer, document)
    except Invalid as error:
        log.error("answer_unreadable", service=service, method=message.method, error=error.message[:500])
        raise Unavailable("service_failed", f"{service} gave an answer that can't be read") from error


def _result(service: str, method: str, body: dict[str, Any]) -> object:
    if not body["error"]:
        return body["result"]
    error = deserialize(body["error"])
    if isinstance(error, RemoteError):
        log.error("service_failed", service=service, method=method, error=str(error)[:500])
        raise Unavailable("service_failed", f"{service} could not answer; its log says why")
    if isinstance(error, Forbidden) and error.code in CLOCKS_APART:
        log.error("clocks_apart", service=service, method=method, error=str(error))
        raise Unavailable("clocks_apart", f"the clock of {service} says another time than the one here; try again")
    raise error
