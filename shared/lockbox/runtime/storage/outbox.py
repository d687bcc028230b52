"""The outbox: events wait in the document of their aggregate, written in the same update, until the broker has them.

Every collection with events keeps these fields in its documents: `outbox`, an array of `{id, sequence, type, payload}`
where `payload` is the canonical JSON text that is published, and `outbox_at`, from when on any process may publish
them. The process that writes gives itself a head start (`HEAD_START`) and publishes at once, from memory; should it
die, any other process finds the document when that time has passed, and leases it: `outbox_at` moves on by `LEASE`, and
`outbox_lease` tells whose it is.

Delivery is at least once: an event that was published and not yet taken out is published again.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, WriteConcern
from pymongo.collection import Collection
from pymongo.database import Database

from lockbox.contracts.events import Event
from lockbox.ids import new_id
from lockbox.runtime.process import crash_points
from lockbox.runtime.storage.ledger import Published, due
from lockbox.runtime.storage.mongo import Document, ensure_index
from lockbox.values.timestamps import parse_timestamp

HEAD_START = timedelta(seconds=2)
LEASE = timedelta(seconds=15)
LOOKED_AT = 1_000
REPEATABLE = WriteConcern(w=1)
WAITING: Document = {"outbox_at": {"$exists": True}}


@dataclass(frozen=True)
class Entry:
    """One event in an outbox: its document, and its canonical JSON text."""

    collection: str
    document_id: Any
    event_id: str
    sequence: int
    type: str
    payload: str


def entries(collection: str, document_id: Any, events: Iterable[Event]) -> list[Entry]:
    """Return the outbox entries of one write."""
    return [
        Entry(collection, document_id, event.id, event.sequence, event.type, event.payload().decode())
        for event in events
    ]


def stored(waiting: Iterable[Entry]) -> list[Document]:
    """Return entries as they stand in a document."""
    return [
        {"id": entry.event_id, "sequence": entry.sequence, "type": entry.type, "payload": entry.payload}
        for entry in waiting
    ]


def ensure_outbox_index(collection: Collection[Document]) -> None:
    """Ensure the index of documents with waiting events."""
    ensure_index(
        collection, [("outbox_at", ASCENDING)], partialFilterExpression={"outbox_at": {"$exists": True}}, name="outbox"
    )


class Outbox:
    """The outboxes of some collections of one database."""

    def __init__(self, database: Database[Document], collections: Iterable[str]) -> None:
        self._collections = {name: database[name] for name in collections}
        self._published = Published(database)

    def claim(self, now: datetime, limit: int) -> list[Entry]:
        """Lease the events that have waited long enough; no other process takes them during the lease.

        The lease is a write of the majority, so that nothing is published that a change of primaries could undo.
        """
        claimed: list[Entry] = []
        for name, collection in self._collections.items():
            for document in _lease(collection, now, limit - len(claimed)):
                claimed += [
                    Entry(name, document["_id"], item["id"], item["sequence"], item["type"], item["payload"])
                    for item in document["outbox"]
                ]
        return claimed

    def acknowledge(self, published: Sequence[Entry], now: datetime) -> None:
        """Add published events to the ledger, then remove them from their documents: a kill leaves no gap."""
        if not published:
            return
        crash_points.passing("before_keep")
        self._published.keep(map(_as_published, published), now)
        crash_points.passing("before_pull")
        for name, collection in self._collections.items():
            own = [entry for entry in published if entry.collection == name]
            if own:
                holders = {"_id": {"$in": list({entry.document_id for entry in own})}}
                quick = collection.with_options(write_concern=REPEATABLE)
                quick.update_many(holders, _without([entry.event_id for entry in own]))
        crash_points.passing("after_pull")

    def waiting(self) -> int:
        """Return the number of documents with events that the broker does not have yet."""
        return sum(c.count_documents(WAITING) for c in self._collections.values())

    def oldest(self) -> datetime | None:
        """Return the time of the oldest event that the broker does not have yet; None if it has all."""
        firsts = [
            parse_timestamp(json.loads(document["outbox"][0]["payload"])["time"])
            for collection in self._collections.values()
            for document in collection.find(WAITING, {"outbox": {"$slice": 1}}).limit(LOOKED_AT)
            if document["outbox"]
        ]
        return min(firsts, default=None)

    def published(self) -> int:
        """Return the number of published events in the ledger."""
        return self._published.count()


def _lease(collection: Collection[Document], now: datetime, limit: int) -> list[Document]:
    """Lease the documents that are due, oldest first; each by itself, so that one process alone has it."""
    waiting = due("outbox_at", now)
    found = collection.find(waiting, {"_id": True}).sort("outbox_at").limit(limit) if limit > 0 else ()
    ids = [document["_id"] for document in found]
    if not ids:
        return []
    lease = new_id()
    mine = {"outbox_at": now + LEASE, "outbox_lease": lease}
    collection.update_many({"_id": {"$in": ids}, **waiting}, {"$set": mine})
    leased = {
        document["_id"]: document
        for document in collection.find({"_id": {"$in": ids}, "outbox_lease": lease}, {"outbox": True})
    }
    return [leased[key] for key in ids if key in leased]


def _as_published(entry: Entry) -> Document:
    return {
        "_id": entry.event_id,
        "aggregate": f"{entry.collection}/{entry.document_id}",
        "sequence": entry.sequence,
        "type": entry.type,
        "payload": entry.payload,
    }


def _without(ids: list[str]) -> list[Document]:
    remaining = {"$filter": {"input": "$outbox", "cond": {"$not": [{"$in": ["$$this.id", ids]}]}}}
    while_any_waits = {
        field: {"$cond": [{"$eq": ["$outbox", []]}, "$$REMOVE", f"${field}"]} for field in ("outbox_at", "outbox_lease")
    }
    return [{"$set": {"outbox": remaining}}, {"$set": while_any_waits}]
