"""What a service has published: asked about until it is on record, and then kept for some days, on a real MongoDB."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from lockbox.runtime.storage.ledger import KEPT, LONGEST_WAIT, Published
from lockbox.runtime.storage.receipts import OVERDUE, Receipt, ReceiptStore, Received

NOW = datetime.now(UTC).replace(microsecond=0)
MINUTE = timedelta(minutes=1)
Documents = Database[dict[str, Any]]


@pytest.fixture
def database(mongo: MongoClient[dict[str, Any]]) -> Iterator[Documents]:
    name = f"test_{uuid4().hex[:12]}"
    yield mongo[name]
    mongo.drop_database(name)


@pytest.fixture
def published(database: Documents) -> Published:
    made = Published(database)
    made.ensure_indexes()
    return made


def keep(published: Published, key: str, at: datetime, type_: str = "made") -> None:
    published.keep([{"_id": key, "aggregate": f"things/{key}", "sequence": 1, "type": type_, "payload": "{}"}], at)


def asked(published: Published, now: datetime) -> list[str]:
    return list(published.to_ask_about(now - MINUTE, now, 10))


def test_event_when_it_is_missing_is_asked_about_half_as_often_each_time(published: Published) -> None:
    keep(published, "a", NOW)
    moments = []
    for minute in range(10):
        now = NOW + minute * MINUTE
        if asked(published, now):
            moments.append(minute)
            published.put_off([{"_id": "a", "published_at": NOW}], now)
    assert moments == [1, 2, 4, 8]


def test_event_when_put_off_by_a_clock_that_was_wrong_is_asked_about_all_the_same(published: Published) -> None:
    keep(published, "a", NOW)
    published.put_off([{"_id": "a", "published_at": NOW}], NOW + timedelta(days=1))
    assert asked(published, NOW + MINUTE) == ["a"]
    published.put_off([{"_id": "a", "published_at": NOW}], NOW + timedelta(days=-1))
    assert asked(published, NOW + MINUTE) == ["a"]


def test_event_when_put_off_by_a_clock_an_hour_ahead_is_asked_about_all_the_same(published: Published) -> None:
    keep(published, "a", NOW)
    published.put_off([{"_id": "a", "published_at": NOW + 55 * MINUTE}], NOW + timedelta(hours=1))
    assert asked(published, NOW + 62 * MINUTE) == []
    assert asked(published, NOW + 10 * MINUTE) == ["a"]


def test_event_when_missing_for_long_is_asked_about_each_hour(published: Published) -> None:
    keep(published, "a", NOW - timedelta(days=3))
    published.put_off([{"_id": "a", "published_at": NOW - timedelta(days=3)}], NOW)
    assert asked(published, NOW + LONGEST_WAIT - MINUTE) == []
    assert asked(published, NOW + LONGEST_WAIT) == ["a"]


def test_event_when_on_record_is_for_mongodb_to_remove_in_time(database: Documents) -> None:
    """MongoDB looks once a minute, which is too long to wait for here."""
    Published(database).ensure_indexes()
    [index] = [index for index in database["events"].list_indexes() if "expireAfterSeconds" in index]
    assert index["key"] == {"published_at": 1}
    assert index["expireAfterSeconds"] == KEPT.total_seconds()
    assert index["partialFilterExpression"] == {"on_record": True}


LISTENER, OTHER = "approval_service.on_member.v1", "notify_service.on_member.v1"


def awaited(published: Published, queue: str, now: datetime = NOW) -> list[str]:
    return published.awaiting(queue, now, now, 10)


def test_event_when_no_queue_listens_to_it_awaits_no_receipt(published: Published, database: Documents) -> None:
    keep(published, "a", NOW)
    assert "awaiting" not in (database["events"].find_one({"_id": "a"}) or {})


def test_event_when_queues_listen_to_it_awaits_a_receipt_of_each(published: Published, database: Documents) -> None:
    keep(published, "a", NOW, "member_added")
    keep(published, "b", NOW, "member_added")
    published.receive(LISTENER, ["a"])
    assert (awaited(published, LISTENER), awaited(published, OTHER)) == (["b"], ["a", "b"])
    published.receive(OTHER, ["a"])
    assert "awaiting" not in (database["events"].find_one({"_id": "a"}) or {})
    assert published.count_awaiting(OTHER, NOW) == 1


def test_event_when_its_receipt_is_put_off_is_asked_about_later_or_when_a_service_asks(published: Published) -> None:
    keep(published, "a", NOW, "member_added")
    later = NOW + MINUTE
    published.put_off([{"_id": "a", "published_at": NOW}], later, "remind_at")
    assert awaited(published, LISTENER, later) == []
    assert awaited(published, LISTENER, later + MINUTE) == ["a"]
    published.ask_soon()
    assert awaited(published, LISTENER, later) == ["a"]


@pytest.fixture
def receipts(database: Documents) -> ReceiptStore:
    made = ReceiptStore(database)
    made.ensure_indexes()
    return made


def test_receipt_when_it_is_of_another_source_or_queue_counts_for_nothing(receipts: ReceiptStore) -> None:
    receipts.add([Receipt(LISTENER, "portal_service", "a"), Receipt(LISTENER, "notify_service", "b")], NOW)
    receipts.add([Receipt(OTHER, "portal_service", "c")], NOW)
    assert receipts.of(LISTENER, "portal_service", "abc", NOW) == Received(("a",), ("b", "c"))


def test_receipt_when_the_event_is_tried_again_is_neither_there_nor_missing_until_it_is_overdue(
    receipts: ReceiptStore,
) -> None:
    due = NOW + MINUTE
    receipts.add([Receipt(LISTENER, "portal_service", "a", due)], NOW)
    assert receipts.of(LISTENER, "portal_service", "a", due + OVERDUE) == Received((), ())
    assert receipts.of(LISTENER, "portal_service", "a", due + OVERDUE + MINUTE) == Received((), ("a",))
    receipts.add([Receipt(LISTENER, "portal_service", "a")], NOW)
    assert receipts.of(LISTENER, "portal_service", "a", NOW) == Received(("a",), ())
