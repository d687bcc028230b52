"""Event consumption on the real broker: what can't be handled is parked with its reason, and never lost."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import amqp
import pytest
from kombu import Connection
from tests.integration.test_rpc import pid_of
from tests.people import People
from tests.records import key_of
from tests.unit.builders import NOW
from tests.waiting import eventually

from lockbox.contracts import wire
from lockbox.contracts.events import Cause, Event, envelop
from lockbox.contracts.grant.facts import GrantExpired
from lockbox.embedded.stack import Stack

AUDIT_PARKED = "audit_service.on_event.v1.parked"
REQUEST_PARKED = "request_service.on_progress.v1.parked"


@pytest.fixture
def broker(admin_amqp_uri: str) -> Iterator[Connection]:
    with Connection(admin_amqp_uri) as connection:
        yield connection


def publish(broker: Connection, body: bytes | str, source: str = "approval_service", **properties: Any) -> None:
    with broker.channel() as channel:
        message = amqp.Message(body, **{"content_type": "application/json", **properties})
        channel.basic_publish(message, exchange=f"{source}.events", routing_key="grant_expired")


def parked(broker: Connection, queue: str, message_id: str) -> dict[str, Any] | None:
    """Takes parked messages until the one of this id comes; its headers and body."""
    with broker.channel() as channel:
        while (message := channel.basic_get(queue)) is not None:
            channel.basic_ack(message.delivery_tag)
            if message.properties.get("message_id") == message_id:
                return {**message.properties["application_headers"], "body": message.body}
    return None


def event(**changes: Any) -> Event:
    """An event about nothing, of use to the record alone."""
    about = {
        "tenant": "adatum",
        "grant_id": str(uuid4()),
        "request_id": str(uuid4()),
        "requester": "erin@vendor.example",
    }
    [made] = envelop([GrantExpired(**about | changes)], f"approvals/{uuid4()}", 0, Cause("tests", str(uuid4())), NOW)
    return made


def test_message_when_its_version_is_from_the_future_is_parked_by_who_must_understand_it(broker: Connection) -> None:
    document = json.loads(event().payload())
    document["dataversion"] = 99
    publish(broker, json.dumps(document), message_id=document["id"])
    assert "unknown_event" in eventually(lambda: parked(broker, REQUEST_PARKED, document["id"]))["x-lockbox-reason"]


def test_event_when_it_comes_twice_is_on_record_once(broker: Connection, mongo: Any) -> None:
    good = event()
    for _ in range(3):
        publish(broker, good.payload(), message_id=good.id)
    assert eventually(lambda: mongo["lockbox_audit"]["records"].find_one({"_id": key_of(good)}))
    marker = event()
    publish(broker, marker.payload(), message_id=marker.id)
    eventually(lambda: mongo["lockbox_audit"]["records"].find_one({"_id": key_of(marker)}))
    assert mongo["lockbox_audit"]["records"].count_documents({"_id": key_of(good)}) == 1


def test_event_when_it_contradicts_the_record_is_parked_and_the_record_stays(broker: Connection, mongo: Any) -> None:
    first = event()
    publish(broker, first.payload(), message_id=first.id)
    on_record = eventually(lambda: mongo["lockbox_audit"]["records"].find_one({"_id": key_of(first)}))
    forged = json.loads(first.payload())
    forged["data"]["requester"] = "mallory@vendor.example"
    publish(broker, json.dumps(forged), message_id=first.id)
    found = eventually(lambda: parked(broker, AUDIT_PARKED, first.id))
    assert "event_contradicts_record" in found["x-lockbox-reason"]
    assert mongo["lockbox_audit"]["records"].find_one({"_id": key_of(first)}) == on_record


def test_events_when_many_come_at_once_are_each_on_record_whatever_comes_between(
    broker: Connection, mongo: Any, stack: Stack
) -> None:
    before = pid_of(stack.states(), "audit_service")
    events = [event() for _ in range(1_000)]
    contradictions = [event.payload().replace(b"erin@", b"mallory@") for event in events[::100]]
    for number, each in enumerate(events):
        publish(broker, each.payload(), message_id=each.id)
        if number % 100 == 99:
            publish(broker, b"poison", message_id=f"poison of {each.id}")
            publish(broker, contradictions.pop(0), message_id=f"contradiction of {each.id}")
    records = mongo["lockbox_audit"]["records"]
    ids = [key_of(each) for each in events]
    assert eventually(lambda: records.count_documents({"_id": {"$in": ids}}) == len(ids))
    assert records.count_documents({"_id": {"$in": ids}, "payload": {"$regex": "erin@vendor.example"}}) == len(ids)
    for each in events[99::100]:
        for kind in ("poison", "contradiction"):
            assert eventually(lambda kind=kind, each=each: parked(broker, AUDIT_PARKED, f"{kind} of {each.id}"))
    assert pid_of(stack.states(), "audit_service") == before


def test_event_when_on_record_is_there_as_it_was_published(broker: Connection, mongo: Any) -> None:
    for tenant in ("adatum", None):
        good = event(tenant=tenant)
        publish(broker, good.payload(), message_id=good.id)
        found = eventually(lambda good=good: mongo["lockbox_audit"]["records"].find_one({"_id": key_of(good)}))
        assert found.pop("payload").encode() == good.payload()
        assert found.pop("digest") == hashlib.sha256(good.payload()).hexdigest()
        assert found.pop("recorded_at")
        assert found.pop("_id") == key_of(good)
        assert found.items() <= wire.encode(good).items()


def made_otherwise(broker: Connection, exchange: str) -> bool:
    """Make an exchange again with another type; False if its service was quicker and made it as it was."""
    try:
        with broker.channel() as channel:
            channel.exchange_delete(exchange)
            channel.exchange_declare(exchange, "fanout", durable=True, auto_delete=False)
    except amqp.exceptions.ChannelError:
        return False
    return True


def test_poison_when_its_copy_is_not_safe_is_not_acknowledged_with_those_around_it(
    broker: Connection, mongo: Any
) -> None:
    """The exchange to the parked messages is of another type, so that the service can't bind its queue to it."""
    message_id = str(uuid4())
    eventually(lambda: made_otherwise(broker, "audit_service.parked"))
    try:
        for poisoned in (True, False):
            around = [event() for _ in range(200)]
            for number, each in enumerate(around):
                publish(broker, each.payload(), message_id=each.id)
                if poisoned and number == len(around) // 2:
                    publish(broker, b"poison", message_id=message_id)
            ids = [key_of(each) for each in around]
            assert eventually(
                lambda ids=ids: mongo["lockbox_audit"]["records"].count_documents({"_id": {"$in": ids}}) == len(ids)
            )
        assert parked(broker, AUDIT_PARKED, message_id) is None
    finally:
        with broker.channel() as channel:
            channel.exchange_delete("audit_service.parked")
    assert eventually(lambda: parked(broker, AUDIT_PARKED, message_id))["body"] == "poison"


def test_event_when_another_service_publishes_it_is_parked_and_never_on_record(broker: Connection, mongo: Any) -> None:
    forged = event()
    publish(broker, forged.payload(), source="notify_service", message_id=forged.id)
    found = eventually(lambda: parked(broker, AUDIT_PARKED, forged.id))
    assert "foreign_event" in found["x-lockbox-reason"]
    assert mongo["lockbox_audit"]["records"].find_one({"_id": {"$regex": f"/{forged.id}$"}}) is None


def test_handler_when_it_fails_is_tried_again_later(broker: Connection, mongo: Any, people: People) -> None:
    """An alert for a tenant without approvers fails, and comes back from the first retry tier after 5 s."""
    people.tailspin_admin.put_policy("tailspin", require_approval=True)
    request_id = people.engineer.ask(tenant="tailspin")
    people.vendor_approver.decide(request_id)
    deliveries = mongo["lockbox_notify"]["deliveries"]
    assert eventually(lambda: deliveries.find_one({"state.request_id": request_id, "state.state": "SENT"}))
