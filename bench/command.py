"""RPC + one majority write + one event: `create_request` of Lockbox beside a stock Nameko service.

Both run as one process each, on the same RabbitMQ and MongoDB. They are called in turn: Lockbox by a client that mints
a token for each call as the portal does, the stock service by a stock Nameko client.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from kombu import Connection, Exchange, Queue
from nameko.standalone.rpc import ClusterRpcProxy
from tests.rpc_client import rpc_client

from bench import turns
from bench.programs import await_consumers, broker_uri, database, lockbox_service, stock_service
from bench.queues import declare, listeners
from bench.tables import Latencies
from lockbox import clock
from lockbox.contracts.identity import Caller, Role
from lockbox.crypto.keys import load_signing_key
from lockbox.embedded.stack import Stack
from lockbox.ids import new_id
from lockbox.runtime.broker.topology import command_queue
from lockbox.runtime.rpc.caller_token import mint

TERMS = {
    "tenant": "contoso",
    "service_request": "SR-359423",
    "reason_code": "CUSTOMER_INITIATED_SUPPORT",
    "justification": "Alice cannot open her mailbox.",
    "resources": ["mailbox/alice"],
    "actions": ["read"],
    "duration": "PT4H",
    "starts_at": None,
}


def measure(stack: Stack) -> list[Latencies]:
    """Return latencies in milliseconds of Lockbox and of stock Nameko, for one caller and for several at once."""
    uri = broker_uri(stack)
    _prepare(stack, uri)
    with lockbox_service(stack, "request_service"), stock_service(stack, "bench.stock_service"):
        await_consumers(uri, command_queue("request_service").name)
        await_consumers(uri, "rpc-stock_service")
        return turns.measure(partial(_callers, stack, uri))


def engineer() -> Caller:
    """Return an engineer as a caller."""
    return Caller("bench@vendor.example", "vendor", frozenset({Role.ENGINEER}), clock.now(), new_id())


@contextmanager
def _callers(stack: Stack, uri: str) -> Iterator[tuple[turns.Run, turns.Run]]:
    key, caller = load_signing_key(stack.home / "secrets" / "caller.pem"), engineer()
    with ClusterRpcProxy({"AMQP_URI": uri}) as services, rpc_client(uri) as client:

        def message() -> dict[str, Any]:
            return {"terms": TERMS, "idempotency_key": new_id()}

        yield (
            lambda: client.call(
                "request_service", "create_request", message(), lambda scope: mint(caller, scope, key, clock.now())
            ),
            lambda: services.stock_service.create_request(message()),
        )


def _prepare(stack: Stack, uri: str) -> None:
    """Create the tenant and the event queues, which other services create in a deployment."""
    with database(stack, "lockbox_request") as requests:
        tenant = {"_id": "contoso", "version": 1, "maximum_duration": "PT4H", "request_lifetime": "PT12H"}
        tenant["default_duration"] = "PT4H"
        requests["tenants"].replace_one({"_id": "contoso"}, tenant, upsert=True)
    declare(uri, *listeners())
    with Connection(uri) as connection:
        exchange = Exchange("stock_service.events", type="topic", durable=True)
        Queue("stock_service.kept", exchange, routing_key="#", durable=True)(connection.default_channel).declare()
