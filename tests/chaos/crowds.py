"""Faults of numbers: many clients with one key, many processes of a service, many messages in one hand."""

import time
from concurrent.futures import ThreadPoolExecutor

from kombu import Connection

from lockbox.provision.secrets import ADMIN, SERVICES
from tests.chaos.arena import Arena
from tests.chaos.orders import Order
from tests.chaos.report import Row
from tests.load import CREATE
from tests.people import TERMS, new_key
from tests.waiting import eventually

SAME_KEY = 50
INTAKE = "audit_service"
PREFETCH = 1_500
KILLED_TIMES = 30


def same_key(arena: Arena, row: Row) -> None:
    """(16) The same command many times at once: one effect, identical answers."""
    story, key = arena.probes.begin(), new_key()
    story.sent.append(CREATE)
    engineer, body = arena.people.engineer, TERMS | {"justification": story.marker}
    with ThreadPoolExecutor(SAME_KEY) as crowd:
        sent = [crowd.submit(engineer.post, "/requests", body, key) for _ in range(SAME_KEY)]
        answers = [one.result() for one in sent]
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers][:3]
    assert len({answer.text for answer in answers}) == 1, "the answers differ"
    story.request_id = answers[0].json()["id"]
    story.acknowledged.append(CREATE)


def scaled(arena: Arena, row: Row, *services: str, count: int = 4) -> None:
    """(17) From one process to some and back, under load; one of the some is killed meanwhile."""
    for service in services:
        arena.scale(service, count)
        arena.load.proceed(20)
        row.killed(arena.kill_and_recover(f"{service}-{count}"), f"{service}-{count}")
        arena.scale(service, 1)
        arena.load.proceed(5)


def killed_with_full_hands(arena: Arena, row: Row, times: int = KILLED_TIMES) -> None:
    """(6) The intake is killed again and again, each time with as many messages in hand as it may have."""
    arena.control("stop", INTAKE)
    publish_again(arena, 2 * PREFETCH)
    for _ in range(times):
        Order("before_intake_insert").place(arena.folder, INTAKE)
        arena.control("start", INTAKE)  # the first time; from then on it does not wait to be told
        eventually(lambda: arena.taken(INTAKE), within=60)
        row.kills[INTAKE] += 1
        row.points[f"before_intake_insert {INTAKE}"] += 1
    started = time.monotonic()
    arena.recovered()
    row.recoveries.append(time.monotonic() - started)


def publish_again(arena: Arena, count: int) -> None:
    """Events that were published before, once more: nobody may mind."""
    uri = arena.stack.servers.broker_uri(ADMIN, arena.stack.secrets.broker)
    with Connection(uri) as connection, connection.Producer() as producer:
        for service in SERVICES:
            events = arena.mongo[f"lockbox_{service.removesuffix('_service')}"]["events"]
            for event in events.find().sort("_id").limit(count // 2):
                body = event["payload"].encode()
                producer.publish(
                    body,
                    exchange=f"{service}.events",
                    routing_key=event["type"],
                    content_type="application/json",
                    content_encoding="utf-8",
                    delivery_mode=2,
                    message_id=event["_id"],
                )
