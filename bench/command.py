"""RPC + one majority write + one event: `create_request` of Lockbox beside a stock Nameko service.

Both run as one process each, on the same RabbitMQ and MongoDB, and are called in turn by the same stock Nameko client.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

from kombu import Connection, Exchange, Queue
from nameko.standalone.rpc import ClusterRpcProxy
from pymongo import MongoClient

from lockbox import clock
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.listeners import bindings
from lockbox.crypto.keys import load_signing_key
from lockbox.embedded.stack import Stack
from lockbox.ids import new_id
from lockbox.provision.secrets import ADMIN
from lockbox.runtime.identity import mint
from lockbox.runtime.topology import SubscriptionTopology

WARM_UP = 200
CALLS = 1_500
CALLERS = 8
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

Call = Callable[[], Any]


def measure(stack: Stack) -> list[tuple[str, list[float], list[float]]]:
    """Latencies in milliseconds, of Lockbox and of stock Nameko, for one caller and for several at once."""
    uri = stack.servers.broker_uri(ADMIN, stack.secrets.broker)
    _prepare(stack, uri)
    with _stock_service(stack, uri):
        with _callers(stack, uri) as (lockbox, stock):
            _alternate(lockbox, stock, WARM_UP)
            alone = _alternate(lockbox, stock, CALLS)
        with ThreadPoolExecutor(CALLERS) as threads:
            parts = list(threads.map(lambda _: _one_of_many(stack, uri), range(CALLERS)))
    together = tuple([latency for part in parts for latency in part[which]] for which in (0, 1))
    return [("1 caller", *alone), (f"{CALLERS} callers", *together)]


def percentiles(latencies: list[float]) -> tuple[float, float]:
    """The 50th and the 99th."""
    cut = quantiles(latencies, n=100)
    return cut[49], cut[98]


def _one_of_many(stack: Stack, uri: str) -> tuple[list[float], list[float]]:
    with _callers(stack, uri) as (lockbox, stock):
        return _alternate(lockbox, stock, CALLS // CALLERS)


def _alternate(lockbox: Call, stock: Call, calls: int) -> tuple[list[float], list[float]]:
    """Call one, then the other, so that whatever else the machine does hits both alike."""
    latencies: tuple[list[float], list[float]] = ([], [])
    for _ in range(calls):
        for call, into in zip((lockbox, stock), latencies, strict=True):
            started = time.perf_counter()
            call()
            into.append((time.perf_counter() - started) * 1000)
    return latencies


@contextmanager
def _callers(stack: Stack, uri: str) -> Iterator[tuple[Call, Call]]:
    key = load_signing_key(stack.home / "secrets" / "caller.pem")
    engineer = Caller("bench@vendor.example", "vendor", frozenset({Role.ENGINEER}), clock.now(), new_id())
    context = {"auth_token": mint(engineer, key, clock.now())}
    with ClusterRpcProxy({"AMQP_URI": uri}, context_data=context) as services:

        def message() -> dict[str, Any]:
            return {"terms": TERMS, "idempotency_key": new_id()}

        yield (
            lambda: services.request_service.create_request(message()),
            lambda: services.stock_service.create_request(message()),
        )


def _prepare(stack: Stack, uri: str) -> None:
    """Make what the other services would have made: the tenant, and the queues that events are kept in."""
    with MongoClient[dict[str, Any]](stack.servers.database_uri(ADMIN, stack.secrets.database)) as client:
        tenant = {"_id": "contoso", "version": 1, "maximum_duration": "PT4H", "request_lifetime": "PT12H"}
        client["lockbox_request"]["tenants"].replace_one({"_id": "contoso"}, tenant, upsert=True)
    with Connection(uri) as connection:
        for queue, _ in bindings("request_service"):
            consumer, handler, _ = queue.split(".")
            SubscriptionTopology(consumer, handler, ()).declare(connection)
        exchange = Exchange("stock_service.events", type="topic", durable=True)
        Queue("stock_service.kept", exchange, routing_key="#", durable=True)(connection.default_channel).declare()


@contextmanager
def _stock_service(stack: Stack, uri: str) -> Iterator[None]:
    environment = {**os.environ, "MONGO_URI": stack.servers.database_uri(ADMIN, stack.secrets.database)}
    nameko = Path(sys.executable).with_name("nameko")
    process = subprocess.Popen(  # noqa: S603 - our own command
        [str(nameko), "run", "--broker", uri, "bench.stock_service"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        _await_consumer(uri, "rpc-stock_service")
        yield
    finally:
        process.terminate()
        process.wait()


def _await_consumer(uri: str, queue: str) -> None:
    deadline = time.monotonic() + 30
    with Connection(uri) as connection:
        while time.monotonic() < deadline:
            with connection.channel() as channel:
                if Queue(queue, durable=True)(channel).queue_declare().consumer_count:
                    return
            time.sleep(0.2)
    raise TimeoutError(f"nobody reads {queue}")
