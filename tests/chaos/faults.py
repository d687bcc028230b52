"""The faults: each is done to an arena under load, and notes in its row whom it killed."""

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from pymongo.errors import DuplicateKeyError

from lockbox.provision.secrets import SERVICES
from lockbox.runtime.process.crash_points import Point
from tests.chaos.arena import BROKER, TARGETS, Arena
from tests.chaos.orders import DEDUPE, OUTBOX, Order
from tests.chaos.report import Row
from tests.waiting import eventually

WRITERS = ("request_service", "approval_service", "notify_service", "portal_service")
READERS = ("request_service", "approval_service", "notify_service", "audit_service")
CRASH_POINTS: dict[Point, tuple[str, ...]] = {
    "before_state_write": WRITERS,
    "after_state_write": WRITERS,
    "before_publish": WRITERS,
    "after_publish": WRITERS,
    "after_confirm": WRITERS,
    "before_keep": WRITERS,
    "before_pull": WRITERS,
    "after_pull": WRITERS,
    "before_intake_insert": ("audit_service",),
    "after_intake_insert": ("audit_service",),
    "before_ack": READERS,
    "after_ack": READERS,
}


def crash_points(arena: Arena, row: Row, services: Mapping[str, Point]) -> None:
    """(1) Each of these services ends itself at its point."""
    row.killed(arena.kill_at(services), *services, steps=arena.steps)
    row.points.update(f"{point} {service}" for service, point in services.items())


def random_kills(arena: Arena, row: Row, so_far: Counter[str], quota: int, together: int = 2) -> None:
    """(2) Services at random, the least killed first, some at nearly the same time, until each was killed so often."""
    while min(so_far[service] + row.kills[service] for service in SERVICES) < quota:
        counts = so_far + row.kills
        shuffled = arena.random.sample(SERVICES, len(SERVICES))
        victims = sorted(shuffled, key=counts.__getitem__)[:together]
        row.killed(arena.kill_and_recover(*victims, gap=1.0), *victims, steps=arena.steps)
        arena.load.proceed(3)


def server_kills(arena: Arena, row: Row, server: str, times: int) -> None:
    """(3, 4) The broker while it is published to, or MongoDB while it is written to."""
    for _ in range(times):
        arena.load.proceed(arena.random.randint(3, 12))
        row.killed(arena.kill_and_recover(server), server, steps=arena.steps)


def storm(arena: Arena, row: Row) -> None:
    """Anything, some at nearly the same time."""
    victims = arena.random.sample(TARGETS, arena.random.randint(1, 3))
    row.killed(arena.kill_and_recover(*victims, gap=3.0), *victims, steps=arena.steps)
    arena.load.proceed(arena.random.randint(3, 30))


def wiped_broker(arena: Arena, row: Row) -> None:
    """(5) The broker is killed and comes back without its data; what was in its queues is given to it again."""
    arena.load.proceed(5)
    arena.kill(BROKER)
    arena.control("stop", BROKER)
    shutil.rmtree(arena.stack.home / BROKER / "data")
    started = time.monotonic()
    arena.control("start", BROKER)
    arena.recovered()
    row.killed(time.monotonic() - started, BROKER)


def without_outbox(arena: Arena, row: Row) -> None:
    """The negative control of losses: a kill between the write and the publish of a service without its outbox."""
    with _switched_off(arena, row, "approval_service", OUTBOX):
        Order("after_state_write").place(arena.folder, "approval_service")
        eventually(lambda: arena.taken("approval_service"), within=60)
        row.kills["approval_service"] += 1


def without_dedupe(arena: Arena, row: Row) -> None:
    """The negative control of doubles: a kill between the publish and the pull, and an audit that takes all."""
    stuck = arena.oracle.look().waiting
    with _switched_off(arena, row, "audit_service", DEDUPE):
        row.killed(arena.kill_at({"request_service": "before_keep"}), "request_service")
        with arena.load.paused():
            eventually(lambda: arena.oracle.look().waiting <= stuck, within=60)


def mend_record(arena: Arena) -> None:
    """Give the records of an audit without dedupe the ids of their events, so that nobody finds them missing."""
    records = arena.mongo["lockbox_audit"]["records"]
    for record in list(records.find({"id": {"$exists": True}})):
        event_id, key = record.pop("id"), record.pop("_id")
        records.delete_one({"_id": key})
        with suppress(DuplicateKeyError):
            records.insert_one({"_id": f"{record['source']}/{event_id}", **record})


@contextmanager
def _switched_off(arena: Arena, row: Row, service: str, safety: str) -> Iterator[None]:
    """A service without one of its safeties, until the end."""
    switch = arena.folder / f"{service}.without"
    switch.write_text(safety)
    try:
        arena.kill_and_recover(service)
        yield
    finally:
        switch.unlink()
        arena.kill(service)
        row.kills[service] += 2
    eventually(arena.all_ready, within=60)
