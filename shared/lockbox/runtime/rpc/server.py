"""The RPC server: typed messages, every caller verified, no message that can end the process.

The wire is Nameko's own, so that any Nameko client can call: routing key `<service>.<method>`, body
`{"args": [message], "kwargs": {}}`, the caller token in the header `nameko.auth_token`. Errors are `lockbox.errors`.
"""

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from kombu import Connection
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, ProviderCollector, SharedExtension

from lockbox import clock
from lockbox.contracts import registry, wire
from lockbox.contracts.calls import EVERY, Call
from lockbox.contracts.identity import Caller
from lockbox.crypto.canonical import digest
from lockbox.crypto.keys import PublicKeys
from lockbox.errors import Invalid, LockboxError, NotFound
from lockbox.ids import new_id
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.broker.publisher import Message
from lockbox.runtime.broker.publisher_pool import Publishers
from lockbox.runtime.broker.redelivery import CopyPublisher, body_of
from lockbox.runtime.broker.topology import (
    ANSWERS_EXCHANGE,
    CALLS_EXCHANGE,
    SubscriptionTopology,
    command_queue,
    ensure_exchange,
)
from lockbox.runtime.process.metrics import CALLS_REFUSED
from lockbox.runtime.rpc.call_log import CallNote
from lockbox.runtime.rpc.caller_token import CallScope, identify
from lockbox.runtime.rpc.errors import serialize
from lockbox.values.json_text import read_json

JSON = "application/json"
LARGEST_CALL = 1024 * 1024

log = structlog.get_logger(__name__)


class CallerKeys(SharedExtension):
    """The public keys that caller tokens are checked with: a JWK Set in the file that `CALLER_KEYS` names."""

    def setup(self) -> None:
        """Read the keys."""
        document = json.loads(Path(self.container.config["CALLER_KEYS"]).read_text())
        self.keys = PublicKeys.from_jwks(document["keys"])


class CommandConsumer(SharedExtension, ProviderCollector):
    """Reads a service's RPC queue and gives each message to the entrypoint that its routing key names.

    What can't be answered is parked.
    """

    queue_consumer = RawQueueConsumer()
    copies = CopyPublisher()
    prefetch = workers = 50
    never_waits = False

    def setup(self) -> None:
        """Register with the queue consumer."""
        self.queue = command_queue(self.container.service_name)
        self._publishers = Publishers(self.container.config["AMQP_URI"])
        self.topology = SubscriptionTopology(self.container.service_name, "commands", ())
        self.queues = (self.queue.name, self.topology.parked)
        parked = self.topology.parked_queue
        self.bound = frozenset((queue.name, queue.exchange.name, queue.routing_key) for queue in (self.queue, parked))
        self.queue_consumer.register_provider(self)

    def stop(self) -> None:
        """Stop reading messages."""
        self.queue_consumer.unregister_provider(self)
        self._publishers.close()

    def declare(self, connection: Connection) -> None:
        """Declare the queue and its binding."""
        ensure_exchange(connection, CALLS_EXCHANGE)
        with connection.channel() as channel:
            queue = self.queue(channel)
            queue.queue_declare()
            queue.queue_bind()
            self.topology.parked_queue(channel).declare()

    def handle_message(self, message: Any) -> None:
        """Pass a message to its entrypoint, or answer with the reason why not."""
        if not isinstance(message.properties.get("reply_to"), str) or message.properties.get("content_type") != JSON:
            self.copies.park(message, self.topology, f"rpc_unanswerable: expected reply_to and {JSON}")
            return
        try:
            provider, payload = self._provider(message), _payload(message.body)
            arguments = provider.arguments(_auth_token(message), _scope(message), payload)
        except Exception as error:  # noqa: BLE001 - whatever a message does to its reader, the process goes on
            CALLS_REFUSED.labels(error.code if isinstance(error, LockboxError) else type(error).__name__).inc()
            self.answer(message, None, None, None, sys.exc_info())
            return
        try:
            note = CallNote(provider.method_name, arguments[0], time.monotonic())
            answer = partial(self.answer_with_note, note, message, provider.kind.answer)
            self.container.spawn_worker(provider, arguments, {}, handle_result=answer)
        except ContainerBeingKilled:
            self.queue_consumer.requeue(message)

    def answer(self, message: Any, kind: type | None, _worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        """Send the result or the error; a caller that can't be reached does no harm to other calls."""
        try:
            self._publishers.publish(_answer(message, _encoded(result, kind), exc_info))
        except Exception:
            log.exception("rpc_answer_lost")
        self.queue_consumer.ack(message)
        return result, exc_info

    def answer_with_note(self, note: CallNote, *arguments: Any) -> tuple[Any, Any]:
        """Send the result or the error, and log the call."""
        result, exc_info = self.answer(*arguments)
        note.log(exc_info)
        return result, exc_info

    def _provider(self, message: Any) -> "Command":
        method = message.delivery_info["routing_key"].rpartition(".")[2]
        for provider in self._providers:
            if provider.method_name == method:
                return provider
        raise NotFound("method_not_found", f"{self.container.service_name} has no method {method[:80]!r}")


class Command(Entrypoint):
    """Answers one kind of `Call`: the decorated method is called as `method(self, caller, message)`.

    The caller is verified before, and has a role that the declaration of the call names. The use case decides by
    tenant, request and policy.
    """

    consumer = CommandConsumer()
    callers = CallerKeys()

    def __init__(self, kind: type[Call[Any]], **options: Any) -> None:
        super().__init__(expected_exceptions=LockboxError, **options)
        self.kind = kind

    def setup(self) -> None:
        """Register for the service's RPC queue; refuse to start with a wrong declaration."""
        registry.check()
        if self.kind.method != self.method_name or self.kind.service not in (EVERY, self.container.service_name):
            raise TypeError(f"{self.kind.__name__} is not for {self.container.service_name}.{self.method_name}")
        self.consumer.register_provider(self)

    def stop(self) -> None:
        """Unregister from the RPC queue."""
        self.consumer.unregister_provider(self)

    def arguments(self, token: object, scope: CallScope, payload: Any) -> tuple[Caller, Call[Any]]:
        """Return the verified caller and the message; raise `Forbidden` or `Invalid`."""
        caller = identify(token, scope, self.callers.keys, clock.now())
        self.kind.require_role(caller)
        return caller, wire.keep(wire.decode(self.kind, payload), payload)


def _encoded(result: object, kind: type | None) -> str:
    if isinstance(result, wire.Encoded):
        return result.text
    return json.dumps(None if result is None else wire.document_of(result, kind))


def _answer(message: Any, result: str, exc_info: Any) -> Message:
    error = json.dumps(serialize(exc_info[1]) if exc_info else None)
    correlation_id = message.properties.get("correlation_id")
    return Message(
        id=new_id(),
        exchange=ANSWERS_EXCHANGE.name,
        routing_key=message.properties["reply_to"],
        body=f'{{"result": {result}, "error": {error}}}'.encode(),
        properties={} if correlation_id is None else {"correlation_id": correlation_id},
    )


def _payload(body: Any) -> object:
    if len(body) > LARGEST_CALL:
        raise Invalid("rpc_too_large", f"expected at most {LARGEST_CALL} bytes, got {len(body)}")
    try:
        document = read_json(body)
        [payload] = document["args"]
        kwargs = document["kwargs"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Invalid("rpc_malformed", f"expected one message in args and no kwargs: {error!r}"[:300]) from error
    if kwargs:
        raise Invalid("rpc_malformed", "expected one message in args and no kwargs")
    return payload


def _scope(message: Any) -> CallScope:
    """Return the scope of the call that arrived: the only one that its token may be for."""
    service, _, method = message.delivery_info["routing_key"].rpartition(".")
    return CallScope(service, method, digest(body_of(message)), message.properties["reply_to"])


def _auth_token(message: Any) -> object:
    return message.headers.get("nameko.auth_token") if isinstance(message.headers, dict) else None


command = Command.decorator
