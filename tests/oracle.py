"""What is lost, doubled or unexpected: the promise, checked in the databases and at the broker."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any

from amqp.exceptions import AMQPError, NotFound
from kombu import Connection
from kombu.exceptions import OperationalError
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from lockbox.contracts.listeners import INTAKE_QUEUE, LISTENERS
from lockbox.provision.secrets import SERVICES
from tests.load import Ledger, Story

Mongo = MongoClient[dict[str, Any]]
QUEUES = (INTAKE_QUEUE, *LISTENERS)
ACCESSES = frozenset({"access_allowed", "access_denied"})
QUIET_WITHIN = 60.0
AWAY = (PyMongoError, AMQPError, OperationalError, OSError)


@dataclass(frozen=True)
class Findings:
    """What breaks the promise, in words; `waiting` and `parked` break it when they are there after a while of quiet."""

    lost: frozenset[str] = frozenset()
    doubled: frozenset[str] = frozenset()
    unexpected: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()
    parked: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))

    def __sub__(self, known: "Findings") -> "Findings":
        return Findings(*(getattr(self, one.name) - getattr(known, one.name) for one in fields(self)))

    def __or__(self, other: "Findings") -> "Findings":
        return Findings(*(getattr(self, one.name) | getattr(other, one.name) for one in fields(self)))

    def __str__(self) -> str:
        told = ((one.name, sorted(getattr(self, one.name))) for one in fields(self))
        return "\n".join(f"{name} {len(what)}: {'; '.join(what[:5])}" for name, what in told if what) or "nothing"


@dataclass(frozen=True)
class Published:
    """What the publishers keep and what is on record."""

    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)


class Oracle:
    """Compares what was promised, what the publishers keep, and what is on record."""

    def __init__(self, mongo: Mongo, amqp_uri: str, *ledgers: Ledger, prefix: str = "lockbox") -> None:
        self.ledgers = list(ledgers)
        self._mongo = mongo
        self._amqp_uri = amqp_uri
        self._prefix = prefix
        self._known = Findings()

    def judge(self, quiet_within: float = QUIET_WITHIN) -> Findings:
        """What is wrong and was not when it was last asked; the load must pause, so that all can come to rest."""
        deadline = time.monotonic() + quiet_within
        found: Findings | None = None
        while time.monotonic() < deadline:
            with suppress(*AWAY):  # it is starting again
                found = self.look()
                if not found - self._known:
                    break
            time.sleep(0.5)
        found = self.look() if found is None else found
        new, self._known = found - self._known, self._known | found
        return new

    def look(self) -> Findings:
        """What is wrong now."""
        published = self._read()
        stories = [story for ledger in self.ledgers for story in list(ledger.stories)]
        wrong = frozenset(complaint for ledger in self.ledgers for complaint in ledger.wrong)
        per_story = by_request(published.records)
        return Findings(
            lost=frozenset((*unrecorded(published), *missing(stories, per_story), *self._gaps(published))),
            doubled=frozenset((*twice(published), *told_twice(stories, per_story))),
            unexpected=wrong | frozenset((*causeless(published), *strange(stories, per_story))),
            waiting=frozenset(self._waiting()),
            parked=frozenset(self._parked()),
        )

    def _read(self) -> Published:
        published = Published()
        wanted = {"id": True, "type": True, "source": True, "payload": True}
        for record in self._database("audit_service")["records"].find({}, wanted):
            published.records.append(record | {"data": json.loads(record.pop("payload"))["data"]})
        for service in SERVICES:
            for event in self._database(service)["events"].find({}, {"payload": False}):
                published.events[event["_id"]] = event | {"source": service}
        return published

    def _database(self, service: str) -> Database[dict[str, Any]]:
        return self._mongo[f"{self._prefix}_{service.removesuffix('_service')}"]

    def _aggregates(self) -> Iterator[tuple[str, Any]]:
        for service in SERVICES:
            database = self._database(service)
            for name in database.list_collection_names(filter={"name": {"$nin": ["events", "records"]}}):
                yield service, database[name]

    def _waiting(self) -> Iterator[str]:
        full = {"$or": [{"outbox_at": {"$exists": True}}, {"outbox.0": {"$exists": True}}]}
        for service, collection in self._aggregates():
            yield from (f"{service}: {collection.name}/{one['_id']}" for one in collection.find(full, {"_id": True}))

    def _gaps(self, published: Published) -> Iterator[str]:
        """Documents that changed without their event: as many events must be kept as the document counts."""
        kept = Counter((event["source"], event["aggregate"]) for event in published.events.values())
        for service, collection in self._aggregates():
            for one in collection.find({"sequence": {"$gt": 0}, "outbox": []}, {"sequence": True}):
                aggregate = f"{collection.name}/{one['_id']}"
                if (lacking := one["sequence"] - kept[service, aggregate]) > 0:
                    yield f"{service}: {aggregate} lacks {lacking} of its events"  # as many as before, if known before

    def _parked(self) -> Iterator[str]:
        with Connection(self._amqp_uri, connect_timeout=5) as connection:
            for queue in (f"{queue}.parked" for queue in QUEUES):
                for number in range(_messages_in(connection, queue)):
                    yield f"{queue} {number + 1}"


def _messages_in(connection: Connection, queue: str) -> int:
    try:
        with connection.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)
    except NotFound:
        return 0


def event_id(record: dict[str, Any]) -> str:
    """The event that a record is of: its own id, unless the dedupe is switched off in a test build."""
    return str(record.get("id", record["_id"].rpartition("/")[2]))


def by_request(records: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The records of each request, but for how people were told, and how its grant was used."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        request_id = (record.get("data") or {}).get("request_id")
        if request_id and record["source"] != "notify_service" and record["type"] not in ACCESSES:
            found[request_id].append(record)
    return found


def unrecorded(published: Published) -> Iterator[str]:
    """Events that were published and are not on record."""
    on_record = set(map(event_id, published.records))
    for key, event in published.events.items():
        if key not in on_record:
            yield f"{event['source']} {event['type']} {key} is not on record"


def causeless(published: Published) -> Iterator[str]:
    """Records of events that nobody keeps as published."""
    for record in published.records:
        if event_id(record) not in published.events:
            yield f"{record['source']} {record['type']} {event_id(record)} is on record, but nobody published it"


def twice(published: Published) -> Iterator[str]:
    """Events on record twice, and numbers given twice."""
    for key, count in Counter(map(event_id, published.records)).items():
        if count > 1:
            yield f"event {key} is on record {count} times"
    numbers = Counter((event["source"], event["aggregate"], event["sequence"]) for event in published.events.values())
    yield from (f"{number} was given {count} times" for number, count in numbers.items() if count > 1)


def missing(stories: Sequence[Story], per_request: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """What acknowledged commands lead to and is not on record."""
    for story in stories:
        found = Counter(record["type"] for record in per_request.get(story.request_id or "", ()))
        for kind in story.expected - found:
            yield f"request {story.request_id}: {kind} was acknowledged and is not on record"


def told_twice(stories: Sequence[Story], per_request: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Commands that took effect more than once, answered or not."""
    requests = _requests_by_marker(per_request)
    for story in stories:
        ids = requests.get(story.marker, [])
        if len(ids) > 1:
            yield f"{story.marker} was asked once and made {len(ids)} requests"
        for request_id in ids:
            found = Counter(record["type"] for record in per_request[request_id])
            yield from (f"request {request_id}: {kind} too often" for kind in found - story.possible)


def strange(stories: Sequence[Story], per_request: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Requests on record that nobody asked for."""
    markers = {story.marker for story in stories}
    for marker, ids in _requests_by_marker(per_request).items():
        if marker not in markers:
            yield from (f"nobody asked for request {request_id}" for request_id in ids)


def _requests_by_marker(per_request: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for request_id, records in per_request.items():
        markers = {r["data"].get("justification") for r in records if r["type"] == "request_created"}
        for marker in markers or {None}:
            found[str(marker)].append(request_id)
    return found
