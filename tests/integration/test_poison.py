"""What no handler can read: parked once with its reason on every queue that it reached, and nobody is harmed."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import amqp
import pytest
from kombu import Connection
from tests.integration.test_rpc import pid_of
from tests.integration.test_subscriptions import event
from tests.people import People
from tests.waiting import eventually

from lockbox.contracts.listeners import INTAKE_QUEUE, LISTENERS
from lockbox.embedded.stack import Stack

MIB = 1024 * 1024
SERVICES = ("request_service", "approval_service", "notify_service", "audit_service")
QUEUES = {queue: (kinds[0].source, kinds[0].type) for queue, kinds in LISTENERS.items()}
JSON = {"content_type": "application/json"}


def with_header(name: str, value: object) -> dict[str, Any]:
    return JSON | {"application_headers": {name: value}}


POISON: dict[str, tuple[str | bytes, dict[str, Any], str]] = {
    "no JSON": ("not json at all", JSON, "not_json"),
    "no text": (b"\xff\xfe\x00", JSON, "not_json"),
    "nested without end": ("[" * 50_000, JSON, "not_json"),
    "no object": ("[]", JSON, "invalid_body"),
    "an empty object": ("{}", JSON, "invalid_id"),
    "a lone surrogate": (json.dumps({"id": "\ud800"}), JSON, "invalid_id"),
    "a type to be rebuilt": (json.dumps({"__type__": "datetime", "__value__": "now"}), JSON, "invalid_id"),
    "another content type": (event().payload(), {"content_type": "application/x-python-serialize"}, "content_type"),
    "no content type": (event().payload(), {}, "content_type"),
    "a call stack that is a number": (event().payload(), with_header("nameko.call_id_stack", 7), "call_id_stack"),
    "attempts that are a text": (event().payload(), with_header("x-lockbox-attempt", "many"), "x-lockbox-attempt"),
    "a header of nearly a frame": ("no json", with_header("x-lockbox-x", "x" * 130_000), "not_json"),
    "headers of ours of nearly a frame": ("no json", with_header("x-lockbox-replayed", "x" * 130_000), "not_json"),
    "a version from the future": (
        json.dumps(json.loads(event().payload()) | {"dataversion": 99, "tenant": 7}),
        with_header("x-lockbox-attempt", -7),
        "invalid_tenant",
    ),
}


@pytest.fixture
def broker(admin_amqp_uri: str) -> Iterator[Connection]:
    with Connection(admin_amqp_uri) as connection:
        yield connection


def publish(broker: Connection, queue: str, message: amqp.Message) -> None:
    source, event_type = QUEUES[queue]
    with broker.channel() as channel:
        channel.basic_publish(message, exchange=f"{source}.events", routing_key=event_type)


def take_parked(broker: Connection, queue: str, ids: set[str]) -> dict[str, list[str]]:
    """Takes parked messages until each of these ids has come; the reasons of each."""
    reasons: dict[str, list[str]] = {message_id: [] for message_id in ids}

    def look() -> bool:
        with broker.channel() as channel:
            while (message := channel.basic_get(f"{queue}.parked")) is not None:
                channel.basic_ack(message.delivery_tag)
                if (message_id := message.properties.get("message_id")) in reasons:
                    reasons[message_id].append(message.properties["application_headers"]["x-lockbox-reason"])
        return all(reasons.values())

    eventually(look, within=60)
    return reasons


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_message_when_it_can_not_be_read_is_parked_once_with_its_reason_by_all_whom_it_reached(
    broker: Connection, stack: Stack, people: People, queue: str
) -> None:
    before = stack.states()
    expected: dict[str, str] = {}
    for body, properties, reason in POISON.values():
        message_id = str(uuid4())
        expected[message_id] = reason
        publish(broker, queue, amqp.Message(body, message_id=message_id, **properties))
    request_id = people.engineer.ask()
    eventually(lambda: people.engineer.get(f"/requests/{request_id}")["state"] == "PENDING_VENDOR", within=10)
    assert people.recorded(request_id, "request_created", "stage_opened", "alert_sent")
    for reached in (queue, INTAKE_QUEUE):
        parked = take_parked(broker, reached, set(expected))
        assert {message_id: len(reasons) for message_id, reasons in parked.items()} == dict.fromkeys(expected, 1)
        assert {i: reasons[0] for i, reasons in parked.items() if expected[i] not in reasons[0]} == {}
    for service in SERVICES:
        assert pid_of(stack.states(), service) == pid_of(before, service)


@pytest.mark.parametrize("properties", [{}, {"content_type": "text/plain", "reply_to": str(uuid4())}, JSON])
def test_call_when_it_can_not_be_answered_is_parked_once_with_its_reason(
    broker: Connection, stack: Stack, people: People, properties: dict[str, Any]
) -> None:
    before = pid_of(stack.states(), "approval_service")
    message_id = str(uuid4())
    with broker.channel() as channel:
        message = amqp.Message('{"args": [{}], "kwargs": {}}', message_id=message_id, **properties)
        channel.basic_publish(message, exchange="lockbox.calls", routing_key="approval_service.decide")
    assert people.contoso_approver.get("/grants")["items"] is not None
    [reason] = take_parked(broker, "approval_service.commands.v1", {message_id})[message_id]
    assert "rpc_unanswerable" in reason
    assert pid_of(stack.states(), "approval_service") == before


def test_message_when_it_is_too_large_is_parked_whole_or_refused_by_the_broker(
    broker: Connection, stack: Stack
) -> None:
    """RabbitMQ 4 takes no message of more than 16 MiB, RabbitMQ 3 one of up to 128 MiB."""
    before = pid_of(stack.states(), "audit_service")
    queue, message_id = "request_service.on_policy_changed.v1", str(uuid4())
    large = amqp.Message(event().payload()[:-1] + b" " * 17 * MIB + b"}", message_id=message_id, **JSON)
    source, event_type = QUEUES[queue]
    channel = broker.channel()
    channel.confirm_select()
    try:
        channel.basic_publish_confirm(large, exchange=f"{source}.events", routing_key=event_type)
    except amqp.PreconditionFailed as refusal:
        assert "max size" in refusal.reply_text  # noqa: PT017 - which of the two it is, the broker says
    else:
        for reached in (queue, INTAKE_QUEUE):
            [reason] = take_parked(broker, reached, {message_id})[message_id]
            assert "too_large" in reason
    assert pid_of(stack.states(), "audit_service") == before
