"""Documents and their events in one write, on a real MongoDB."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from lockbox.contracts.acts import Act
from lockbox.contracts.events import Cause, Changed, Fact
from lockbox.errors import Conflict, NotFound
from lockbox.runtime.storage.aggregates import Aggregates
from lockbox.runtime.storage.mongo import connect
from lockbox.runtime.storage.outbox import Entry

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
CAUSE = Cause("somebody@vendor.example", str(uuid4()))


@dataclass(frozen=True, kw_only=True)
class CounterMoved(Fact, source="tests", subject="counter", abstract=True):
    counter: str
    to: int


@dataclass(frozen=True, kw_only=True)
class Counter:
    value: int


class Offers:
    """Stands where the relay stands, and keeps what it was offered."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def offer(self, waiting: list[Entry]) -> None:
        self.entries += waiting


class Counters(Aggregates[Counter, Counter]):
    name = "counters"
    noun = "counter"


@pytest.fixture
def database(mongo: MongoClient[dict[str, Any]], stack: Any) -> Iterator[Database[dict[str, Any]]]:
    name = f"test_{uuid4().hex[:12]}"
    with connect(stack.servers.database_uri("lockbox_admin", stack.secrets.database), "tests") as client:
        yield client[name]
    mongo.drop_database(name)


@pytest.fixture
def offers() -> Offers:
    return Offers()


@pytest.fixture
def counters(database: Database[dict[str, Any]], offers: Offers) -> Counters:
    store = Counters(database, offers, Counter, Counter)  # type: ignore[arg-type]
    store.ensure_indexes()
    return store


def started(value: int = 1) -> Changed[Counter]:
    return Changed(Counter(value=value), (CounterMoved(tenant=None, counter="c", to=value),))


def up(counter: Counter) -> Changed[Counter]:
    after = replace(counter, value=counter.value + 1)
    return Changed(after, (CounterMoved(tenant=None, counter="c", to=after.value),))


def act(key: str | None = None, digest: str = "d") -> Act:
    return Act(CAUSE, NOW, key, digest if key else None)


def test_create_when_new_holds_state_and_events_in_one_document(counters: Counters, offers: Offers) -> None:
    counters.create("a", started(), act())
    document = counters.get("a")
    assert document["state"] == {"value": 1}
    assert [(entry["sequence"], entry["type"]) for entry in document["outbox"]] == [(1, "counter_moved")]
    assert [entry.event_id for entry in offers.entries] == [entry["id"] for entry in document["outbox"]]
    assert document["outbox_at"] > NOW


def test_create_when_the_id_is_there_changes_nothing(counters: Counters, offers: Offers) -> None:
    counters.create("a", started(1), act())
    assert counters.create("a", started(7), act()) == Counter(value=1)
    assert len(offers.entries) == 1


def test_create_when_the_same_command_comes_fifty_times_at_once_has_one_effect(counters: Counters) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda n: counters.create(f"id-{n}", started(n), act("key")), range(50)))
    assert len(set(answers)) == 1
    assert counters.collection.count_documents({}) == 1


def test_create_when_the_key_comes_with_another_body_conflicts(counters: Counters) -> None:
    counters.create("a", started(), act("key", "one"))
    with pytest.raises(Conflict) as refused:
        counters.create("b", started(), act("key", "another"))
    assert refused.value.code == "idempotency_key_reused"


def test_create_many_when_some_are_there_makes_the_others_whole(counters: Counters, offers: Offers) -> None:
    counters.create("b", started(7), act())
    offers.entries.clear()
    counters.create_many({name: started(number) for number, name in enumerate("abc")}, act())
    assert [counters.get(name)["state"]["value"] for name in "abc"] == [0, 7, 2]
    assert len(counters.get("b")["outbox"]) == 1
    waiting = [entry["id"] for name in "ac" for entry in counters.get(name)["outbox"]]
    assert sorted(entry.event_id for entry in offers.entries) == sorted(waiting)
    assert all(counters.get(name)["outbox_at"] > NOW for name in "ac")


def test_create_many_when_there_is_nothing_to_make_makes_nothing(counters: Counters, offers: Offers) -> None:
    counters.create_many({}, act())
    assert (counters.collection.count_documents({}), offers.entries) == (0, [])


def test_create_many_when_several_are_at_it_makes_each_once(counters: Counters, offers: Offers) -> None:
    batch = {f"id-{number}": started(number) for number in range(100)}
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: counters.create_many(batch, act()), range(4)))
    assert counters.collection.count_documents({}) == 100
    assert len({entry.event_id for entry in offers.entries}) == len(offers.entries) == 100


def test_change_when_many_are_at_it_loses_no_change(counters: Counters) -> None:
    counters.create("a", started(0), act())
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: counters.change("a", act(), up), range(40)))
    document = counters.get("a")
    assert document["state"] == {"value": 40}
    assert [entry["sequence"] for entry in document["outbox"]] == list(range(1, 42))
    assert len({entry["id"] for entry in document["outbox"]}) == 41


def test_change_when_the_same_command_comes_again_gives_the_same_answer(counters: Counters) -> None:
    counters.create("a", started(0), act())
    first = counters.change("a", act("key"), up)
    counters.change("a", act("other"), up)
    assert counters.change("a", act("key"), up) == first == Counter(value=1)
    assert counters.get("a")["state"] == {"value": 2}


def test_change_when_the_same_command_comes_at_once_has_one_effect(counters: Counters) -> None:
    counters.create("a", started(0), act())
    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(lambda _: counters.change("a", act("key"), up), range(50)))
    assert answers == {Counter(value=1)}
    assert counters.get("a")["state"] == {"value": 1}


def test_change_when_the_key_was_used_on_another_document_conflicts(counters: Counters) -> None:
    for name in ("a", "b"):
        counters.create(name, started(0), act())
    counters.change("a", act("key", "one"), up)
    with pytest.raises(Conflict):
        counters.change("b", act("key", "two"), up)
    assert counters.get("b")["state"] == {"value": 0}


def test_change_when_the_step_refuses_changes_nothing(counters: Counters) -> None:
    counters.create("a", started(0), act())

    def refuse(_: Counter) -> Changed[Counter]:
        raise Conflict("no", "no")

    with pytest.raises(Conflict):
        counters.change("a", act("key"), refuse)
    assert len(counters.get("a")["outbox"]) == 1
    assert counters.change("a", act("key"), up) == Counter(value=1)


def test_change_when_there_is_nothing_of_this_id_says_not_found(counters: Counters) -> None:
    with pytest.raises(NotFound) as refused:
        counters.change("nowhere", act(), up)
    assert refused.value.code == "counter_not_found"
