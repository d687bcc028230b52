"""What the broker loses comes back from those who published it."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from tests.people import People
from tests.programs import running
from tests.waiting import eventually

from lockbox.embedded.stack import Stack

Mongo = MongoClient[dict[str, Any]]
pytestmark = pytest.mark.timeout(300)


def key(event_id: str) -> str:
    return f"request_service/{event_id}"


def on_record(mongo: Mongo, event_id: str) -> bool:
    return mongo["lockbox_audit"]["records"].find_one({"_id": key(event_id)}) is not None


def known_to_be_on_record(mongo: Mongo, event_id: str) -> bool:
    return mongo["lockbox_request"]["events"].find_one({"_id": event_id, "on_record": True}) is not None


def created_event(mongo: Mongo, request_id: str) -> str:
    """The id of a request's first event, as soon as it is published."""
    events = mongo["lockbox_request"]["events"]
    return str(eventually(lambda: events.find_one({"aggregate": f"requests/{request_id}"}))["_id"])


def test_event_when_it_is_on_record_is_known_to_be(mongo: Mongo, people: People) -> None:
    event_id = created_event(mongo, people.engineer.ask())
    eventually(lambda: known_to_be_on_record(mongo, event_id), within=60)


def test_event_when_it_never_reached_the_record_is_published_again(mongo: Mongo, people: People) -> None:
    event_id = created_event(mongo, people.engineer.ask())
    eventually(lambda: known_to_be_on_record(mongo, event_id), within=60)
    before = mongo["lockbox_audit"]["records"].find_one({"_id": key(event_id)})
    mongo["lockbox_audit"]["records"].delete_one({"_id": key(event_id)})
    mongo["lockbox_request"]["events"].update_one({"_id": event_id}, {"$set": {"on_record": False}})
    eventually(lambda: known_to_be_on_record(mongo, event_id), within=60)
    after = mongo["lockbox_audit"]["records"].find_one({"_id": key(event_id)})
    assert before is not None
    assert after is not None
    assert after["payload"] == before["payload"]


def test_broker_when_it_loses_its_data_is_given_all_again(stack: Stack, mongo: Mongo, people: People) -> None:
    programs = running(stack.home)
    readers = [programs["audit_service"], programs["approval_service"]]
    held_up(readers, lambda: wiped_with_a_request(stack, mongo, people, programs))
    lost = mongo["lockbox_request"]["requests"].find_one(sort=[("state.created_at", -1)])
    assert lost is not None
    stack.up()
    eventually(lambda: on_record(mongo, created_event(mongo, lost["_id"])), within=90)
    eventually(lambda: people.engineer.get(f"/requests/{lost['_id']}")["state"] == "PENDING_VENDOR", within=90)
    events = people.recorded(lost["_id"], "request_created", "stage_opened", "alert_sent")
    assert len({event["id"] for event in events}) == len(events)


def wiped_with_a_request(stack: Stack, mongo: Mongo, people: People, programs: dict[str, psutil.Process]) -> None:
    """A request whose event is in the broker's queues alone, and then in none."""
    created_event(mongo, people.engineer.ask())
    held_up([programs["supervisord"]], lambda: wipe(stack, programs["rabbitmq"]))


def wipe(stack: Stack, broker: psutil.Process) -> None:
    for process in (broker, *broker.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs([broker], timeout=10)
    shutil.rmtree(stack.home / "rabbitmq" / "data")


def held_up(processes: list[psutil.Process], act: Callable[[], None]) -> None:
    """Do something while these processes do nothing."""
    for process in processes:
        process.suspend()
    try:
        act()
    finally:
        for process in processes:
            process.resume()
