"""Outbox, relay and intake under crashes at any point, as a state machine: the real code on a real MongoDB.

The broker is a queue in memory that keeps what it confirmed; a crash is an exception at a named point, after which the
process has forgotten everything and another one goes on.
"""

import json
from collections import Counter as Count
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from pymongo import MongoClient, WriteConcern
from pymongo.database import Database

from audit_service.store import RecordStore
from audit_service.usecases import record_events
from lockbox.contracts.acts import Act
from lockbox.contracts.events import Cause, Changed, read_event
from lockbox.contracts.member import SignedIn
from lockbox.runtime.broker.publisher import Message, PublishError
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.process import crash_points
from lockbox.runtime.storage.aggregates import Aggregates
from lockbox.runtime.storage.outbox import Outbox

START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
CAUSE = Cause("somebody@contoso.example", str(uuid4()))
LATER = timedelta(seconds=20)
THINGS = ("a", "b", "c")
Documents = Database[dict[str, Any]]
nth = st.integers(1, 3)
processes = st.integers(0, 1)
OF_A_WRITE = ("before_state_write", "after_state_write")
OF_A_DELIVERY = ("before_publish", "after_publish", "after_confirm", "before_keep", "before_pull", "after_pull")
OF_THE_INTAKE = ("before_intake_insert", "after_intake_insert", "before_ack")


def one_of(where: tuple[crash_points.Point, ...]) -> st.SearchStrategy[crash_points.Point | None]:
    """One of the points to crash at, or none."""
    return st.one_of(st.none(), st.sampled_from(where))


class Crash(BaseException):
    """The process is gone."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    value: int


class Things(Aggregates[Thing, Thing]):
    name = "things"
    noun = "thing"


@dataclass
class Broker:
    """Keeps what it took; may refuse some of a batch, or take some and never say so."""

    kept: list[bytes] = field(default_factory=list)
    refuses: int = 0
    breaks_after: int | None = None

    def connect(self) -> None:
        """It is there."""

    def publish(self, messages: Iterable[Message]) -> set[str]:
        batch = list(messages)
        crash_points.passing("before_publish")
        taken = batch[self.refuses :] if self.breaks_after is None else batch[: self.breaks_after]
        self.kept += [message.body for message in taken]
        crash_points.passing("after_publish")
        if self.breaks_after is not None:
            raise PublishError("the connection was lost")
        crash_points.passing("after_confirm")
        return {message.id for message in taken}


class Process:
    """A process of the publishing service: it remembers what it has offered itself until it dies."""

    def __init__(self, database: Documents, broker: Broker) -> None:
        self.relay = Relay()
        self.relay.register(Things.name)
        self.relay.container = SimpleNamespace(service_name=SignedIn.source)
        self.relay.register(Things.name)
        self.relay._outbox = Outbox(database, [Things.name])
        self.relay._publisher = broker  # type: ignore[assignment]
        self.things = Things(database, self.relay, Thing, Thing)

    def publish_offered(self, now: datetime) -> None:
        while not self.relay._offered.empty():
            self.relay._publish_all(self.relay._offered.get_nowait())
        self.relay._acknowledge(now)

    def publish_waiting(self, now: datetime) -> None:
        if waiting := self.relay._take_waiting(now):
            self.relay._publish_all(waiting)
            self.relay._acknowledge(now)


class Crashes(RuleBasedStateMachine):
    """Commands, deliveries and crashes in any order; at the end all is quiet, and what was promised holds."""

    connect: Callable[[], Documents]

    @initialize()
    def begin(self) -> None:
        self.database = type(self).connect()
        for name in (Things.name, RecordStore.name, "events"):
            self.database[name].delete_many({})
        self.now = START
        self.broker = Broker()
        self.processes = [Process(self.database, self.broker) for _ in range(2)]
        self.intake = RecordStore(self.database, self.processes[0].relay)
        self.acknowledged: dict[str, str] = {}

    @rule(process=processes, key=st.integers(0, 15), where=one_of(OF_A_WRITE), nth=nth)
    def command(self, process: int, key: int, where: crash_points.Point | None, nth: int) -> None:
        """A command, the same again if the key was used before."""
        thing = THINGS[key % len(THINGS)]
        act = Act(CAUSE, self.now, key=f"key {key}", digest="same")
        with self.crashing(process, where, nth):
            things = self.processes[process].things
            if things.find(thing) is None:
                things.create(thing, changed(Thing(value=0), key), act)
            else:
                things.change(thing, act, lambda old: changed(replace(old, value=old.value + 1), key))
            self.acknowledged[act.key or ""] = thing

    @rule(process=processes, where=one_of(OF_A_DELIVERY), nth=nth, refuses=st.integers(0, 2))
    def publish_offered(self, process: int, where: crash_points.Point | None, nth: int, refuses: int) -> None:
        self.broker.refuses = refuses
        with self.crashing(process, where, nth):
            self.processes[process].publish_offered(self.now)

    @rule(process=processes, where=one_of(OF_A_DELIVERY), breaks_after=st.one_of(st.none(), st.integers(0, 2)))
    def publish_waiting(self, process: int, where: crash_points.Point | None, breaks_after: int | None) -> None:
        self.now += LATER
        self.broker.breaks_after = breaks_after
        with self.crashing(process, where, 1):
            self.processes[process].publish_waiting(self.now)

    @rule(count=st.integers(1, 5), where=one_of(OF_THE_INTAKE))
    def take_in(self, count: int, where: crash_points.Point | None) -> None:
        """A batch; what is not acknowledged comes again."""
        with self.crashing(0, where, 1):
            if not (batch := self.broker.kept[:count]):
                return
            refusals = record_events(self.intake, [(read_event(body), body) for body in batch], self.now)
            assert refusals == [None] * len(batch)
            crash_points.passing("before_ack")
            del self.broker.kept[:count]

    @contextmanager
    def crashing(self, process: int, where: crash_points.Point | None, nth: int) -> Iterator[None]:
        """The process dies at the nth passing of a point, and another comes in its place."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(crash_points, "passing", crash_at(where, nth))
            try:
                yield
            except Crash:
                self.processes[process] = Process(self.database, self.broker)
        self.broker.refuses, self.broker.breaks_after = 0, None

    def teardown(self) -> None:
        """Nobody dies any more: all comes to rest."""
        outbox = Outbox(self.database, [Things.name])
        for _ in range(10):
            if outbox.waiting():
                self.publish_waiting(0, None, None)
        while self.broker.kept:
            self.take_in(500, None)
        self.judge()

    def judge(self) -> None:
        records = list(self.database[RecordStore.name].find())
        events = {event["_id"]: event for event in self.database["events"].find()}
        on_record = {record["_id"].rpartition("/")[2] for record in records}
        assert on_record == events.keys(), "on record is what was published"
        numbers = Count((event["aggregate"], event["sequence"]) for event in events.values())
        things = {thing["_id"]: thing for thing in self.database[Things.name].find()}
        assert numbers == Count(
            {(f"things/{key}", number + 1): 1 for key, thing in things.items() for number in range(thing["sequence"])}
        ), "each change has its event once"
        effects = Count(json.loads(record["payload"])["data"]["email"] for record in records)
        assert not [key for key, count in effects.items() if count > 1], "a command took effect twice"
        assert {email(int(key.split()[1])) for key in self.acknowledged} <= effects.keys(), "a command is lost"


def changed(thing: Thing, key: int) -> Changed[Thing]:
    return Changed(thing, (SignedIn(tenant="contoso", email=email(key)),))


def email(key: int) -> str:
    return f"command-{key}@contoso.example"


def crash_at(where: crash_points.Point | None, nth: int) -> Callable[[crash_points.Point], None]:
    passed = Count[str]()

    def passing(here: crash_points.Point) -> None:
        passed[here] += 1
        if here == where and passed[here] == nth:
            raise Crash(here)

    return passing


@pytest.fixture
def database(mongo: MongoClient[dict[str, Any]]) -> Iterator[Documents]:
    name = f"test_{uuid4().hex[:12]}"
    yield mongo.get_database(name, write_concern=WriteConcern(1))
    mongo.drop_database(name)


def run(database: Documents, *phases: Phase) -> None:
    Things(database, Relay(), Thing, Thing).ensure_indexes()
    machine = type("CrashesHere", (Crashes,), {"connect": staticmethod(lambda: database)})
    quick = settings(
        max_examples=25,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=phases,
    )
    run_state_machine_as_test(machine, settings=quick)


def test_events_when_processes_crash_anywhere_are_on_record_once(database: Documents) -> None:
    run(database, Phase.generate, Phase.shrink)


def test_machine_when_events_are_not_in_the_write_finds_the_loss(
    database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockbox.runtime.storage.aggregates.stored", lambda waiting: [])
    with pytest.raises(AssertionError, match=r"each change has its event once|on record is what was published"):
        run(database, Phase.generate)
