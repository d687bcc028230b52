"""What operators see and do, on the real stack: every act on a parked message is on record once."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import amqp
import httpx
import pytest
from kombu import Connection
from tests.integration.test_subscriptions import event
from tests.people import People
from tests.programs import running
from tests.records import key_of
from tests.waiting import eventually

from lockbox.contracts.listeners import SOURCES
from lockbox.crypto.canonical import digest
from lockbox.embedded.stack import Stack

INTAKE = "audit_service.on_event.v1"
PROGRESS = "request_service.on_progress.v1"
JSON = {"content_type": "application/json", "delivery_mode": 2}
UNKNOWN = "7f6dfd2e-5d61-4d0a-9b5c-4f4f5e0c2b11"
REPLAYED, DROPPED, READ = "parked_message_replayed", "parked_message_dropped", "parked_message_read"


@pytest.fixture
def broker(admin_amqp_uri: str) -> Iterator[Connection]:
    with Connection(admin_amqp_uri) as connection:
        yield connection


@pytest.fixture(scope="module", autouse=True)
def nothing_parked(people: People) -> None:
    """What other tests left would stand before what is looked for."""
    while people.operator.http.delete(f"/ops/parked/{INTAKE}").json()["left"]:
        pass


def publish(broker: Connection, body: bytes, source: str = "approval_service", **properties: Any) -> None:
    with broker.channel() as channel:
        message = amqp.Message(body, **JSON, **properties)
        channel.basic_publish(message, exchange=f"{source}.events", routing_key="nobody_but_the_audit_wants_it")


def parked(people: People, body: bytes, queue: str = INTAKE) -> list[dict[str, Any]]:
    """The parked messages with this body."""
    found = people.operator.get("/ops/parked", queue=queue, limit=200)
    return [item for item in found["items"] if item["sha256"] == digest(body)]


def park(broker: Connection, people: People, body: bytes, **properties: Any) -> dict[str, Any]:
    publish(broker, body, **properties)
    [item] = eventually(lambda: parked(people, body))
    return dict(item)


def poison() -> bytes:
    return f"not JSON: {uuid4()}".encode()


def records(people: People, parked_id: str, kind: str) -> list[dict[str, Any]]:
    return people.vendor_auditor.trail("vendor", subject=parked_id, type=kind)


def on_record(people: People, parked_id: str, kind: str) -> dict[str, Any]:
    """The one record of an act."""
    found = eventually(lambda: records(people, parked_id, kind))
    assert len(found) == 1
    return dict(found[0])


def test_parked_when_listed_says_what_it_is_and_leaves_it_there(broker: Connection, people: People) -> None:
    body = poison()
    item = park(broker, people, body)
    for _ in range(25):
        assert parked(people, body) == [item]
    assert item["queue"] == INTAKE
    assert "not_json" in item["reason"]
    assert (item["attempt"], item["origin"], item["size"]) == (1, "approval_service.events", len(body))
    assert (item["event_id"], item["event_type"]) == (None, None)
    counts = {each["queue"]: each["parked"] for each in people.operator.get("/ops/parked")["queues"]}
    assert counts[INTAKE] >= 1


def test_parked_when_read_shows_its_body_and_each_look_is_on_record(broker: Connection, people: People) -> None:
    body = poison()
    item = park(broker, people, body)
    found = people.operator.get(f"/ops/parked/{INTAKE}/{item['parked_id']}")
    assert found == item | {"body": body.decode(), "truncated": False}
    record = on_record(people, item["parked_id"], READ)
    assert (record["actor"], record["source"], record["tenant"]) == (
        people.operator.email,
        "audit_service",
        None,
    )
    assert record["data"]["sha256"] == digest(body)
    people.operator.get(f"/ops/parked/{INTAKE}/{item['parked_id']}")
    assert eventually(lambda: len(records(people, item["parked_id"], READ)) == 2)


def test_parked_when_replayed_before_the_repair_is_parked_again_under_another_id(
    broker: Connection, people: People
) -> None:
    body = poison()
    item = park(broker, people, body)
    path = f"/ops/parked/{INTAKE}/{item['parked_id']}/replay"
    done = people.operator.post(path).json()
    assert done["items"] == [item]
    [again] = eventually(lambda: [each for each in parked(people, body) if each["parked_id"] != item["parked_id"]])
    assert again["origin"] == item["origin"]
    assert [each["parked_id"] for each in parked(people, body)] == [again["parked_id"]]
    assert people.operator.post(path).json()["items"] == [item], "the same command again gives the same answer"
    assert on_record(people, item["parked_id"], REPLAYED)["actor"] == people.operator.email
    assert [each["parked_id"] for each in parked(people, body)] == [again["parked_id"]]


def test_parked_when_replayed_after_the_repair_is_handled(broker: Connection, people: People, mongo: Any) -> None:
    """The repair: what an event contradicts is taken off the record, which only MongoDB's administrator can."""
    first = event()
    publish(broker, first.payload())
    all_records = mongo["lockbox_audit"]["records"]
    eventually(lambda: all_records.find_one({"_id": key_of(first)}))
    other = json.dumps(json.loads(first.payload()) | {"actor": "another"}).encode()
    item = park(broker, people, other)
    assert (item["event_id"], item["event_type"]) == (first.id, "grant_expired")
    all_records.delete_one({"_id": key_of(first)})
    assert people.operator.post(f"/ops/parked/{INTAKE}/{item['parked_id']}/replay").status_code == 200
    assert eventually(lambda: all_records.find_one({"_id": key_of(first), "actor": "another"}))
    assert parked(people, other) == []
    on_record(people, item["parked_id"], REPLAYED)


def test_parked_when_it_is_foreign_stays_so_however_often_it_is_replayed(
    broker: Connection, people: People, mongo: Any
) -> None:
    forged = event()
    claims = {"x-lockbox-origin": "approval_service.events", "x-lockbox-replayed": str(uuid4())}
    body = forged.payload()
    item = park(broker, people, body, source="notify_service", application_headers=claims)
    for _ in range(2):
        assert "foreign_event" in item["reason"]
        assert item["origin"] == "notify_service.events"
        before = item["parked_id"]
        people.operator.post(f"/ops/parked/{INTAKE}/{before}/replay")
        [item] = eventually(
            lambda before=before: [each for each in parked(people, body) if each["parked_id"] != before]
        )
    assert mongo["lockbox_audit"]["records"].find_one({"_id": {"$regex": f"/{forged.id}$"}}) is None


def test_parked_when_dropped_is_gone_and_on_record(broker: Connection, people: People) -> None:
    body = poison()
    item = park(broker, people, body)
    path = f"/ops/parked/{INTAKE}/{item['parked_id']}"
    for _ in range(2):
        answer = people.operator.http.delete(path)
        assert (answer.status_code, answer.json()["items"]) == (200, [item])
    assert parked(people, body) == []
    record = on_record(people, item["parked_id"], DROPPED)
    assert record["data"] == {
        "tenant": None,
        "queue": INTAKE,
        "parked_id": item["parked_id"],
        "event_id": None,
        "event_type": None,
        "reason": item["reason"],
        "sha256": digest(body),
    }
    assert people.operator.http.get(path).json()["code"] == "parked_message_not_found"


def test_parked_when_many_drop_it_at_once_is_on_record_once(broker: Connection, people: People) -> None:
    item = park(broker, people, poison())
    path = f"/ops/parked/{INTAKE}/{item['parked_id']}"
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: people.operator.http.delete(path), range(8)))
    refused = {(answer.status_code, answer.json()["code"]) for answer in answers if answer.status_code != 200}
    assert refused <= {(409, "parked_queue_busy"), (503, "portal_busy")}
    on_record(people, item["parked_id"], DROPPED)
    assert people.operator.http.get(path).status_code == 404


def test_parked_when_all_are_dropped_is_empty_and_each_is_on_record(broker: Connection, people: People) -> None:
    bodies = [poison() for _ in range(3)]
    items = [park(broker, people, body) for body in bodies]
    done = people.operator.http.delete(f"/ops/parked/{INTAKE}").json()
    assert {item["parked_id"] for item in items} <= {item["parked_id"] for item in done["items"]}
    assert done["left"] == 0
    for item in items:
        on_record(people, item["parked_id"], DROPPED)


def test_parked_when_the_broker_itself_parked_it_has_an_id_and_a_reason(broker: Connection, people: People) -> None:
    """As after too many deliveries: the broker's own account, and headers that the publisher wrote."""
    body = poison()
    claims = {
        "x-lockbox-origin": "approval_service.events",
        "x-lockbox-parked-id": str(uuid4()),
        "x-death": [{"reason": "delivery_limit", "queue": PROGRESS, "exchange": "notify_service.events", "count": 1}],
    }
    with broker.channel() as channel:
        message = amqp.Message(body, **JSON, application_headers=claims)
        channel.basic_publish(message, exchange="request_service.parked", routing_key=PROGRESS)
    [item] = eventually(lambda: parked(people, body, PROGRESS))
    assert item["reason"] == "parked by the broker: delivery_limit"
    assert item["origin"] == "notify_service.events"
    assert item["parked_id"] != claims["x-lockbox-parked-id"]
    assert people.operator.http.delete(f"/ops/parked/{PROGRESS}/{item['parked_id']}").status_code == 200
    assert on_record(people, item["parked_id"], DROPPED)["source"] == "request_service"


ADDRESSES = [
    ("GET", "/ops/parked"),
    ("GET", f"/ops/parked/{INTAKE}/{UNKNOWN}"),
    ("POST", f"/ops/parked/{INTAKE}/{UNKNOWN}/replay"),
    ("POST", f"/ops/parked/{INTAKE}/replay"),
    ("DELETE", f"/ops/parked/{INTAKE}/{UNKNOWN}"),
    ("DELETE", f"/ops/parked/{INTAKE}"),
    ("GET", "/ops/outbox"),
    ("GET", "/ops/topology"),
]


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_address_when_no_operator_asks_refuses(people: People, method: str, path: str) -> None:
    for person in (people.engineer, people.vendor_approver, people.vendor_auditor, people.contoso_admin):
        answer = person.http.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "role_required")
    assert httpx.request(method, f"{people.portal}/api/v1{path}").status_code == 401


@pytest.mark.parametrize(
    "queue", ["nobody.on_event.v1", "audit_service.on_nothing.v1", f"{INTAKE}.parked", "portal_service.on_event.v1"]
)
def test_queue_when_there_is_none_is_not_found(people: People, queue: str) -> None:
    for answer in (
        people.operator.http.delete(f"/ops/parked/{queue}"),
        people.operator.http.get("/ops/parked", params={"queue": queue}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "queue_not_found")


@pytest.mark.parametrize("limit", ["0", "201", "many"])
def test_parked_when_the_limit_is_wrong_says_what_is_right(people: People, limit: str) -> None:
    answer = people.operator.http.get("/ops/parked", params={"limit": limit})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_limit")


def test_outbox_when_asked_for_is_of_every_service(people: People) -> None:
    people.recorded(people.engineer.ask(), "request_created")
    found = eventually(lambda: (seen := people.operator.get("/ops/outbox")) and not seen["silent"] and seen)
    by_service = {item["service"]: item for item in found["items"]}
    assert set(by_service) == set(SOURCES)
    assert by_service["request_service"]["published"] > 0
    assert eventually(lambda: {item["waiting"] for item in people.operator.get("/ops/outbox")["items"]} == {0})


def faults(people: People) -> dict[str, str]:
    """What is wrong, as soon as every service has answered."""

    def look() -> dict[str, Any] | None:
        found = people.operator.get("/ops/topology")
        return found if found["silent"] == [] else None

    return {item["name"]: item["fault"] for item in eventually(look)["items"] if item["fault"]}


def test_topology_when_all_is_well_has_no_fault(people: People) -> None:
    found = people.operator.get("/ops/topology")
    assert found["silent"] == []
    assert [item for item in found["items"] if item["fault"]] == []
    names = {item["name"] for item in found["items"]}
    assert {
        INTAKE,
        f"{INTAKE}.parked",
        "audit_service.commands.v1",
        "notify_service.retry.30s",
        "portal_service.events",
    } <= names
    assert {item["name"] for item in found["items"] if item["kind"] == "bindings"} == set(SOURCES)


def test_topology_when_an_exchange_is_missing_names_it_and_makes_nothing(broker: Connection, people: People) -> None:
    """The service can't repair it: another exchange, which it would make first, is there otherwise."""
    wanted = {"notify_service.parked": "there with other arguments", "notify_service.retry.300s": "missing"}
    try:
        with broker.channel() as channel:
            channel.exchange_delete("notify_service.parked")
            channel.exchange_declare("notify_service.parked", "fanout", durable=True, auto_delete=False)
            channel.exchange_delete("notify_service.retry.300s")
        eventually(lambda: faults(people) == faults(people) == wanted)
    finally:
        with broker.channel() as channel:
            channel.exchange_delete("notify_service.parked")
    eventually(lambda: faults(people) == {})


def test_services_when_one_does_not_answer_speak_for_themselves(people: People, stack: Stack) -> None:
    notify = running(stack.home)["notify_service"]
    notify.suspend()
    try:
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(people.operator.get, "/ops/outbox")
            dropped = pool.submit(people.operator.http.request, "DELETE", "/ops/parked/notify_service.on_news.v1")
            found, refused = asked.result(), dropped.result()
    finally:
        notify.resume()
    assert {item["service"] for item in found["items"]} == set(SOURCES) - {"notify_service"}
    [silent] = found["silent"]
    assert (silent["service"], silent["code"]) == ("notify_service", "service_timeout")
    assert (refused.status_code, refused.json()["code"]) == (503, "service_timeout")
