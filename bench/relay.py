"""The relay from outboxes in MongoDB to the broker, beside publishing the same messages alone.

Each document is an approval with its first events in the outbox. The relay leases it, publishes with confirms, keeps
the event in `events` and removes it from the document. The reference publishes the same messages, mandatory,
persistent, confirmed in batches of the same size.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

import amqp
from kombu import Connection

from approval_service.domain.approval.approval import Approval
from approval_service.domain.policy.policy import Policy
from bench.events import CAUSE, requests
from bench.programs import broker_uri, database, eventually, lockbox_service
from bench.queues import declare, listeners, purge
from lockbox import clock
from lockbox.contracts import wire
from lockbox.contracts.events import envelop, read_event
from lockbox.contracts.request.facts import RequestCreated
from lockbox.embedded.stack import Stack
from lockbox.runtime.broker.publisher import Message, event_message
from lockbox.runtime.events.relay import BATCH
from lockbox.runtime.storage.outbox import entries, stored

DOCUMENTS = 2_000
ROUNDS = 2
RELAY = "outbox -> broker -> events -> pulled"
RAW = f"raw confirmed publishes, {BATCH} at once"


def measure(stack: Stack) -> dict[str, list[float]]:
    """Return the events a second of each, in turn."""
    uri = broker_uri(stack)
    declare(uri, *listeners())
    rates: dict[str, list[float]] = {RELAY: [], RAW: []}
    for _ in range(ROUNDS):
        documents = [_document(request) for request in requests(DOCUMENTS)]
        rates[RAW].append(_publish_raw(uri, [message for document in documents for message in _messages(document)]))
        rates[RELAY].append(_relay(stack, documents))
        purge(uri, [topology.name for topology in listeners()])
    return rates


def _document(request: Message) -> dict[str, Any]:
    """Return an approval as approval_service writes it, with events that are due since a minute."""
    now = clock.now()
    fact = read_event(request.body).fact()
    if not isinstance(fact, RequestCreated):
        raise TypeError(fact)
    opened = Approval.open(fact, Policy.first("contoso", "approval_service", now).state, now)
    events = envelop(opened.facts, f"approvals/{fact.request_id}", 0, CAUSE, now)
    return {
        "_id": fact.request_id,
        "version": 1,
        "sequence": len(events),
        "state": wire.encode(opened.state),
        "outbox": stored(entries("approvals", fact.request_id, events)),
        "outbox_at": now - timedelta(minutes=1),
    }


def _messages(document: dict[str, Any]) -> list[Message]:
    return [
        event_message("approval_service", waiting["id"], waiting["type"], waiting["payload"])
        for waiting in document["outbox"]
    ]


def _relay(stack: Stack, documents: Sequence[dict[str, Any]]) -> float:
    with database(stack, "lockbox_approval") as approval:
        approval["approvals"].delete_many({})
        approval["events"].delete_many({})
        approval["approvals"].insert_many(documents)
        waiting = {"outbox_at": {"$exists": True}}
        with lockbox_service(stack, "approval_service"):
            eventually(lambda: approval["events"].estimated_document_count() > 0, "nothing is relayed")
            before, started = approval["events"].estimated_document_count(), time.perf_counter()
            eventually(lambda: approval["approvals"].find_one(waiting) is None, "an outbox is not empty")
            count = sum(len(document["outbox"]) for document in documents)
            return (count - before) / (time.perf_counter() - started)


def _publish_raw(uri: str, messages: Iterable[Message]) -> float:
    """Publish batches of the relay's size, each confirmed before the next; return the rate."""
    unsent, count, started = iter(messages), 0, time.perf_counter()
    with Connection(uri) as connection, connection.channel() as channel:
        channel.confirm_select()
        while batch := list(islice(unsent, BATCH)):
            _publish_batch(connection, channel, batch, count)
            count += len(batch)
    return count / (time.perf_counter() - started)


def _publish_batch(connection: Connection, channel: Any, batch: Sequence[Message], before: int) -> None:
    waiting = set(range(before + 1, before + len(batch) + 1))

    def confirmed(tag: int, multiple: bool) -> None:
        waiting.difference_update({number for number in waiting if number <= tag} if multiple else {tag})

    channel.events["basic_ack"] = {confirmed}
    for message in batch:
        content = amqp.Message(message.body, content_type="application/json", delivery_mode=2, message_id=message.id)
        channel.basic_publish(content, exchange=message.exchange, routing_key=message.routing_key, mandatory=True)
    while waiting:
        connection.drain_events(timeout=30)
