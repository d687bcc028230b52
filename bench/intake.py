"""The audit intake: one process of audit_service, beside a stock Nameko handler and the bare broker.

All three read the same messages, each from a durable queue of its own, that were there before it began.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kombu import Connection, Consumer, Exchange, Queue
from pymongo.collection import Collection

from bench.events import EXCHANGE, messages
from bench.programs import broker_uri, database, eventually, lockbox_service, stock_service
from bench.queues import declare, delete, listeners, publish, purge
from lockbox.embedded.stack import Stack
from lockbox.runtime.broker.topology import SubscriptionTopology

EVENTS = 24_000
ROUNDS = 3
PREFETCH = 500
STOCK_SECONDS = 6.0
ONE, TWO = "audit_service, 1 process", "audit_service, 2 processes"
STOCK_NAME, RAW_NAME = "stock event_handler + insert_one", "raw consume + ack (kombu)"
RAW = SubscriptionTopology("bench_raw", "on_event", (("approval_service", "#"),))
STOCK = Queue(
    "evt-approval_service-#--stock_audit.on_event",
    Exchange(EXCHANGE, type="topic", durable=True),
    routing_key="#",
    durable=True,
)


def measure(stack: Stack) -> dict[str, list[float]]:
    """Return the events a second of each, in turn, and of two processes of audit_service."""
    uri = broker_uri(stack)
    rates: dict[str, list[float]] = {ONE: [], TWO: [], STOCK_NAME: [], RAW_NAME: []}
    with _queues(uri):
        for _ in range(ROUNDS):
            publish(uri, messages(EVENTS))
            rates[RAW_NAME].append(_drain_raw(uri))
            rates[ONE].append(_drain_by_audit_service(stack, 1))
            rates[STOCK_NAME].append(_drain_by_stock(stack, uri))
            publish(uri, messages(EVENTS))
            rates[TWO].append(_drain_by_audit_service(stack, 2))
            purge(uri, [RAW.name, STOCK.name])
    return rates


def by_processes(rates: Mapping[str, Sequence[float]]) -> Mapping[int, Sequence[float]]:
    """Return the rates of audit_service by number of processes."""
    return {1: rates[ONE], 2: rates[TWO]}


@contextmanager
def _queues(uri: str) -> Iterator[None]:
    intake = next(listeners())
    declare(uri, intake, RAW)
    with Connection(uri) as connection:
        STOCK(connection.default_channel).declare()
    yield
    delete(uri, [RAW.name, STOCK.name])


def _drain_raw(uri: str) -> float:
    """Return the rate of reading and acknowledging alone."""
    arrived: list[float] = []

    def on_message(message: Any) -> None:
        message.ack()
        arrived.append(time.perf_counter())

    with Connection(uri) as connection:
        consumer = Consumer(connection, queues=[RAW.queue], auto_declare=False, on_message=on_message)
        consumer.qos(prefetch_count=PREFETCH)
        with consumer:
            while len(arrived) < EVENTS:
                connection.drain_events(timeout=30)
    return (len(arrived) - 1) / (arrived[-1] - arrived[0])


def _drain_by_audit_service(stack: Stack, processes: int) -> float:
    """Return the rate of audit_service."""
    with database(stack, "lockbox_audit") as audit:
        audit["records"].drop()
        with lockbox_service(stack, "audit_service", processes):
            return rate(audit["records"], EVENTS)


def _drain_by_stock(stack: Stack, uri: str) -> float:
    """Return the rate of stock Nameko over the first seconds."""
    with database(stack, "bench") as bench:
        bench["records"].drop()
        with stock_service(stack, "bench.stock_audit"):
            measured = rate(bench["records"], EVENTS, STOCK_SECONDS)
    purge(uri, [STOCK.name])
    return measured


def rate(collection: Collection[dict[str, Any]], expected: int, seconds: float = 120.0) -> float:
    """Return documents a second, from the first document until all exist or the time is over."""
    eventually(lambda: collection.estimated_document_count() > 0, "nothing comes")
    before, started = collection.estimated_document_count(), time.perf_counter()
    count, elapsed = before, 0.001
    while count < expected and elapsed < seconds:
        time.sleep(0.02)
        count, elapsed = collection.estimated_document_count(), time.perf_counter() - started
    return (count - before) / elapsed
