"""Claiming and settling what waits, and the relay that never forgets, on real servers."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from tests.people import People
from tests.waiting import eventually

from lockbox.contracts.events import Cause, envelop
from lockbox.contracts.member import SignedIn
from lockbox.embedded.stack import Stack
from lockbox.runtime.storage.outbox import LEASE, Outbox, entries, stored

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.fixture
def database(mongo: MongoClient[dict[str, Any]]) -> Iterator[Database[dict[str, Any]]]:
    name = f"test_{uuid4().hex[:12]}"
    yield mongo[name]
    mongo.drop_database(name)


def document(key: str, count: int, at: datetime = NOW) -> dict[str, Any]:
    facts = [SignedIn(tenant="contoso", email=f"{key}@contoso.example") for _ in range(count)]
    events = envelop(facts, f"things/{key}", 0, Cause("tests", str(uuid4())), at)
    return {"_id": key, "outbox": stored(entries("things", key, events)), "outbox_at": at}


def test_claim_when_due_takes_each_document_once(database: Database[dict[str, Any]]) -> None:
    database["things"].insert_many([document("a", 2), document("b", 1), document("c", 1, NOW + timedelta(seconds=30))])
    outbox = Outbox(database, ["things"])
    claimed = outbox.claim(NOW, 100)
    assert sorted(entry.document_id for entry in claimed) == ["a", "a", "b"]
    assert outbox.claim(NOW, 100) == []


def test_claim_when_the_lease_has_passed_takes_it_again(database: Database[dict[str, Any]]) -> None:
    database["things"].insert_one(document("a", 1))
    outbox = Outbox(database, ["things"])
    first = outbox.claim(NOW, 100)
    assert outbox.claim(NOW + LEASE, 100) == first


def test_claim_when_more_is_due_than_wanted_takes_the_oldest(database: Database[dict[str, Any]]) -> None:
    documents = [document(str(age), 1, NOW - timedelta(seconds=age)) for age in range(10)]
    database["things"].insert_many(documents)
    outbox = Outbox(database, ["things"])
    assert [entry.document_id for entry in outbox.claim(NOW, 3)] == ["9", "8", "7"]
    assert [entry.document_id for entry in outbox.claim(NOW, 100)] == ["6", "5", "4", "3", "2", "1", "0"]


def test_claim_when_many_claim_at_once_gives_each_document_to_one(database: Database[dict[str, Any]]) -> None:
    database["things"].insert_many([document(str(number), 1) for number in range(300)])
    claimed: list[str] = []
    with ThreadPoolExecutor(8) as threads:
        while database["things"].count_documents({"outbox_at": {"$lte": NOW}}):
            for batch in threads.map(lambda _: Outbox(database, ["things"]).claim(NOW, 20), range(8)):
                claimed += [entry.document_id for entry in batch]
    assert sorted(claimed) == sorted(str(number) for number in range(300))


def test_settle_when_all_is_published_leaves_no_trace_in_the_document(database: Database[dict[str, Any]]) -> None:
    database["things"].insert_one(document("a", 2))
    outbox = Outbox(database, ["things"])
    outbox.acknowledge(outbox.claim(NOW, 100), NOW)
    assert database["things"].find_one({"_id": "a"}) == {"_id": "a", "outbox": []}


def test_settle_when_published_keeps_the_event_and_empties_the_outbox(database: Database[dict[str, Any]]) -> None:
    database["things"].insert_one(document("a", 2))
    outbox = Outbox(database, ["things"])
    first, second = outbox.claim(NOW, 100)
    outbox.acknowledge([first], NOW)
    left = database["things"].find_one({"_id": "a"})
    assert left is not None
    assert [entry["id"] for entry in left["outbox"]] == [second.event_id]
    assert "outbox_at" in left
    outbox.acknowledge([first, second], NOW)
    emptied = database["things"].find_one({"_id": "a"})
    assert emptied is not None
    assert emptied["outbox"] == []
    assert "outbox_at" not in emptied
    assert outbox.waiting() == 0
    assert {kept["_id"] for kept in database["events"].find()} == {first.event_id, second.event_id}


def test_relay_when_a_process_died_after_its_write_publishes_what_waits(
    mongo: MongoClient[dict[str, Any]], people: People
) -> None:
    key = f"left-behind-{uuid4()}"
    left_behind = document(key, 1, datetime.now(UTC) - timedelta(seconds=30))
    sessions = mongo["lockbox_portal"]["sessions"]
    sessions.insert_one(left_behind)
    expected = left_behind["outbox"][0]
    try:
        [record] = eventually(lambda: people.contoso_auditor.trail("contoso", subject=f"{key}@contoso.example"))
        assert record["id"] == expected["id"]
        eventually(lambda: sessions.find_one({"_id": key, "outbox": [], "outbox_at": {"$exists": False}}))
    finally:
        sessions.delete_one({"_id": key})


def test_relay_when_all_is_quiet_leaves_no_outbox_full(stack: Stack, mongo: MongoClient[dict[str, Any]]) -> None:
    def waiting() -> bool:
        return any(
            mongo[database][name].find_one({"outbox_at": {"$exists": True}})
            for database in ("lockbox_portal", "lockbox_request", "lockbox_approval", "lockbox_notify")
            for name in mongo[database].list_collection_names()
        )

    eventually(lambda: not waiting())


def test_record_when_stored_holds_the_very_bytes_that_were_published(
    mongo: MongoClient[dict[str, Any]], people: People
) -> None:
    request_id = people.engineer.ask()
    [record] = [r for r in people.recorded(request_id, "request_created") if r["type"] == "request_created"]
    kept = eventually(lambda: mongo["lockbox_request"]["events"].find_one({"_id": record["id"]}))
    stored_record = mongo["lockbox_audit"]["records"].find_one({"_id": f"{record['source']}/{record['id']}"})
    assert stored_record is not None
    assert stored_record["payload"] == kept["payload"]
    assert json.loads(kept["payload"])["data"] == record["data"]
