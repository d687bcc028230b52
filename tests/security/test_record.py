"""With the broker password of one service, nothing is kept off the record, and nothing stands there as another's."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import amqp
import pytest
from pymongo import MongoClient
from tests.metrics import metric
from tests.people import People
from tests.security.conftest import StolenPassword
from tests.waiting import eventually

from lockbox.contracts.events import Event, event_id
from lockbox.embedded.stack import Stack

THIEF = "notify_service"


def publish(stolen: StolenPassword, event: Event) -> None:
    with stolen(THIEF) as channel:
        message = amqp.Message(event.payload(), content_type="application/json", delivery_mode=2)
        channel.basic_publish_confirm(message, exchange=f"{THIEF}.events", routing_key=event.type)


def forged(**fields: Any) -> Event:
    """An event as the thief publishes it, truthfully in its own name."""
    made = {
        "id": str(uuid4()),
        "source": THIEF,
        "type": "request_approved",
        "time": datetime.now(UTC),
        "subject": str(uuid4()),
        "tenant": "contoso",
        "actor": "alice.approver@contoso.example",
        "sequence": 1,
        "dataversion": 1,
        "correlationid": str(uuid4()),
    }
    return Event(**made | fields)


@pytest.mark.parametrize("type_", ["request_approved", "decision_recorded", "access_granted"])
def test_event_when_its_source_does_not_own_the_type_is_shown_as_foreign(
    stack: Stack, stolen: StolenPassword, people: People, type_: str
) -> None:
    counted = f'lockbox_foreign_events_total{{source="{THIEF}"}}'
    before = metric(stack, "audit_service", counted)
    event = forged(type=type_)
    publish(stolen, event)
    [record] = eventually(lambda: people.contoso_auditor.trail("contoso", subject=event.subject))
    assert record["foreign"] is True
    assert record["source"] == THIEF
    assert metric(stack, "audit_service", counted) == before + 1


def test_event_when_another_source_used_its_id_before_is_on_record_all_the_same(
    stolen: StolenPassword, people: People, mongo: MongoClient[dict[str, Any]]
) -> None:
    request_id = people.engineer.ask()
    aggregate = f"approvals/{request_id}"
    ids = {
        sequence: event_id("approval_service", aggregate, sequence, type_)
        for sequence, type_ in (
            (3, "decision_recorded"),
            (5, "decision_recorded"),
            (6, "request_approved"),
            (7, "access_granted"),
        )
    }
    for taken in ids.values():
        publish(stolen, forged(id=taken, subject=request_id))
    people.vendor_approver.decide(request_id)
    people.contoso_approver.decide(request_id)
    own = mongo["lockbox_approval"]["events"]
    eventually(lambda: own.find_one({"aggregate": aggregate, "type": "access_granted"}))
    published = [document["_id"] for document in own.find({"aggregate": aggregate})]
    records = mongo["lockbox_audit"]["records"]
    wanted = [f"approval_service/{one}" for one in published]
    eventually(lambda: records.count_documents({"_id": {"$in": wanted}}) == len(wanted))
    assert set(ids.values()) <= set(published), "the thief guessed wrong: the test is blind"
    eventually(lambda: own.count_documents({"aggregate": aggregate, "on_record": False}) == 0, within=60)
