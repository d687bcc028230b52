"""A synchronous RPC client for tests and benchmarks: it calls as the portal does, one call at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import amqp
import orjson
from kombu import Connection
from nameko.exceptions import deserialize

from lockbox.crypto.canonical import canonical, digest
from lockbox.runtime.broker.topology import ANSWERS_EXCHANGE, CALLS_EXCHANGE
from lockbox.runtime.rpc import errors  # noqa: F401 - teaches Nameko the error kinds
from lockbox.runtime.rpc.caller_token import CallScope

Token = Callable[[CallScope], str]


@dataclass
class RpcClient:
    """Sends calls and waits for their answers on a queue of its own; `seen` holds the answers by correlation id."""

    channel: Any
    reply_to: str = field(default_factory=lambda: str(uuid4()))
    timeout: float = 15.0
    seen: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        queue, _, _ = self.channel.queue_declare(f"rpc.reply-portal_service-{self.reply_to}", exclusive=True)
        self.channel.queue_bind(queue, ANSWERS_EXCHANGE.name, self.reply_to)
        self.channel.basic_consume(queue, no_ack=True, callback=self._take)

    def call(self, service: str, method: str, payload: Any, token: Token | str | None = None) -> Any:
        """Return the result; raises what the service raised, or TimeoutError."""
        body = canonical({"args": [payload], "kwargs": {}})
        scope = CallScope(service, method, digest(body), self.reply_to)
        made = token(scope) if callable(token) else token
        return self.send(scope, body, {} if made is None else {"nameko.auth_token": made})

    def send(self, scope: CallScope, body: bytes, headers: dict[str, Any]) -> Any:
        """Publish a call as it stands, and wait for its answer."""
        correlation_id = str(uuid4())
        message = amqp.Message(
            body,
            content_type="application/json",
            content_encoding="utf-8",
            reply_to=self.reply_to,
            correlation_id=correlation_id,
            application_headers=headers,
        )
        self.channel.basic_publish(message, CALLS_EXCHANGE.name, f"{scope.service}.{scope.method}")
        while correlation_id not in self.seen:
            self.channel.connection.drain_events(timeout=self.timeout)
        answer = self.seen.pop(correlation_id)
        if answer["error"]:
            raise deserialize(answer["error"])
        return answer["result"]

    def _take(self, message: Any) -> None:
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        self.seen[message.properties["correlation_id"]] = orjson.loads(body)


@contextmanager
def rpc_client(uri: str) -> Iterator[RpcClient]:
    """Yield a client on a connection of its own."""
    with Connection(uri) as connection:
        yield RpcClient(connection.default_channel)
