"""A queue that loses a binding, or is deleted: noticed, made again, and nothing that was acknowledged is lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psutil
import pytest
from kombu import Connection
from pymongo import MongoClient
from tests.metrics import metric
from tests.people import People
from tests.programs import running
from tests.security.conftest import StolenPassword
from tests.waiting import eventually

from lockbox.contracts.listeners import INTAKE_QUEUE, LISTENERS, SOURCES
from lockbox.embedded.stack import Stack

Mongo = MongoClient[dict[str, Any]]
QUEUES = (INTAKE_QUEUE, *LISTENERS)
PURGED = "approval_service.on_request_created.v1"
NOTICED_WITHIN_SECONDS = 5.0


def service_of(queue: str) -> str:
    return queue.partition(".")[0]


def missing(stack: Stack, service: str) -> list[str]:
    """What /readyz names."""
    answer = httpx.get(f"http://127.0.0.1:{stack.ports[service]}/readyz", timeout=5)
    found: list[str] = answer.json()["missing"]
    assert (answer.status_code == 503) == bool(found)
    return found


def ready(stack: Stack) -> bool:
    """Whether all services run and miss nothing."""
    try:
        return not any(missing(stack, service) for service in SOURCES)
    except httpx.HTTPError:
        return False


@pytest.fixture
def steady(stack: Stack) -> Iterator[None]:
    """All services ready, before and after."""
    eventually(lambda: ready(stack), within=60)
    yield
    eventually(lambda: ready(stack), within=60)


@contextmanager
def suspended(stack: Stack, services: set[str]) -> Iterator[None]:
    """Services that do nothing for a while."""
    programs = running(stack.home)
    for service in services:
        programs[service].suspend()
    try:
        yield
    finally:
        for service in services:
            programs[service].resume()


@contextmanager
def stopped(stack: Stack, services: set[str]) -> Iterator[None]:
    """Services that have ended, and are started again afterwards."""
    programs = running(stack.home)
    programs["supervisord"].suspend()
    try:
        for service in services:
            programs[service].kill()
        psutil.wait_procs([programs[service] for service in services], timeout=10)
        yield
    finally:
        programs["supervisord"].resume()


def noticed(stack: Stack, service: str, name: str) -> bool:
    return f"topology: {name}" in missing(stack, service)


def notices(stack: Stack, service: str, name: str, act: Callable[[], Any]) -> None:
    """The service says so in time, counts it, and is ready again."""
    removals = f'lockbox_bindings_removed_total{{queue="{name}"}}'
    before = metric(stack, service, removals)
    act()
    eventually(lambda: noticed(stack, service, name), within=NOTICED_WITHIN_SECONDS)
    assert metric(stack, service, removals) > before
    eventually(lambda: not missing(stack, service), within=30)


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize("queue", [INTAKE_QUEUE, "request_service.on_progress.v1"])
def test_binding_when_it_is_removed_is_noticed_and_made_again(stack: Stack, stolen: StolenPassword, queue: str) -> None:
    service = service_of(queue)
    key = "#" if queue == INTAKE_QUEUE else "request_approved"
    with stolen(service) as channel:
        notices(stack, service, queue, lambda: channel.queue_unbind(queue, "approval_service.events", key))


@pytest.mark.usefixtures("steady")
def test_queue_when_it_is_deleted_is_noticed_and_made_again(stack: Stack, stolen: StolenPassword) -> None:
    with stolen("audit_service") as channel:
        notices(stack, "audit_service", INTAKE_QUEUE, lambda: channel.queue_delete(INTAKE_QUEUE))


@pytest.mark.usefixtures("steady")
def test_exchange_when_it_is_deleted_is_noticed_by_its_service_and_by_all_who_listen(
    stack: Stack, stolen: StolenPassword, people: People
) -> None:
    with stolen("approval_service") as channel:
        channel.exchange_delete("approval_service.events")
    faulty = {"approval_service": "approval_service.events", "audit_service": INTAKE_QUEUE}
    for service, name in faulty.items():
        eventually(lambda service=service, name=name: noticed(stack, service, name), within=NOTICED_WITHIN_SECONDS)
    request_id = people.engineer.ask()
    eventually(lambda: people.engineer.get(f"/requests/{request_id}")["state"] == "PENDING_VENDOR", within=30)


@pytest.mark.usefixtures("steady")
def test_events_when_a_binding_was_missing_are_on_record_after_its_repair(
    stack: Stack, stolen: StolenPassword, people: People, mongo: Mongo
) -> None:
    with suspended(stack, {"audit_service"}):
        with stolen("audit_service") as channel:
            channel.queue_unbind(INTAKE_QUEUE, "request_service.events", "#")
        request_id = people.engineer.ask()
        events = mongo["lockbox_request"]["events"]
        event = eventually(lambda: events.find_one({"aggregate": f"requests/{request_id}"}))
    assert mongo["lockbox_audit"]["records"].find_one({"_id": f"request_service/{event['_id']}"}) is None
    eventually(
        lambda: mongo["lockbox_audit"]["records"].find_one({"_id": f"request_service/{event['_id']}"}), within=30
    )


@pytest.mark.usefixtures("steady")
def test_events_when_every_queue_is_lost_with_them_go_their_way_all_the_same(
    stack: Stack, admin_amqp_uri: str, people: People, mongo: Mongo
) -> None:
    with stopped(stack, {"approval_service", "notify_service", "audit_service"}):
        request_id = people.engineer.ask()
        events = mongo["lockbox_request"]["events"]
        eventually(lambda: events.find_one({"aggregate": f"requests/{request_id}"}))
        with Connection(admin_amqp_uri) as connection:
            connection.default_channel.queue_purge(PURGED)
            for queue in set(QUEUES) - {PURGED}:
                connection.default_channel.queue_delete(queue)
    eventually(lambda: ready(stack), within=60)
    eventually(lambda: people.engineer.get(f"/requests/{request_id}")["state"] == "PENDING_VENDOR", within=60)
    assert people.recorded(request_id, "request_created", "stage_opened", "alert_sent")
    for database in ("request", "approval", "notify", "portal"):
        published = mongo[f"lockbox_{database}"]["events"]
        eventually(
            lambda published=published: not published.count_documents({"awaiting": {"$exists": True}}), within=60
        )


@pytest.mark.usefixtures("steady")
def test_binding_when_it_is_missing_at_the_start_is_made_and_what_was_missed_is_on_record(
    stack: Stack, stolen: StolenPassword, people: People
) -> None:
    with stopped(stack, {"audit_service"}):
        with stolen("audit_service") as channel:
            channel.queue_unbind(INTAKE_QUEUE, "request_service.events", "#")
        request_id = people.engineer.ask()
    eventually(lambda: ready(stack), within=60)
    assert people.recorded(request_id, "request_created")
