"""The ledger of published events: `events` by id, each with its text and whether it is known to be on record.

A document is `{_id, aggregate, sequence, type, payload, published_at, on_record, ask_at, put_off_at, awaiting,
remind_at}`; `awaiting` are the queues that have given no receipt of it. Those on record are removed by MongoDB when
they have been `KEPT` for long enough; the others stay.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from pymongo import ASCENDING, DESCENDING, InsertOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from lockbox.contracts.listeners import listening_to
from lockbox.crypto.canonical import digest
from lockbox.runtime.storage.mongo import Document, duplicates_in, ensure_index

BEYOND_DOUBT = timedelta(minutes=1)
KEPT = timedelta(days=8)
LONGEST_WAIT = timedelta(hours=1)


def due(field: str, now: datetime) -> Document:
    """Return a filter on a time that has come, or lies so far ahead that only a wrong clock can have written it."""
    return {"$or": [{field: {"$lte": now}}, {field: {"$gt": now + BEYOND_DOUBT}}]}


class Published:
    """The ledger of one database."""

    def __init__(self, database: Database[Document]) -> None:
        self._events = database["events"]

    def ensure_indexes(self) -> None:
        """Ensure the indexes: of events not known to be on record, and for the removal of those that are."""
        by_time = [("published_at", ASCENDING)]
        without_receipt = [("awaiting", ASCENDING), ("published_at", ASCENDING)]
        waiting = {"awaiting": {"$exists": True}}
        ensure_index(self._events, without_receipt, partialFilterExpression=waiting, name="without_receipt")
        ensure_index(self._events, by_time, partialFilterExpression={"on_record": False}, name="not_on_record")
        ensure_index(self._events, by_time, name="published_at")
        ensure_index(
            self._events,
            by_time,
            partialFilterExpression={"on_record": True},
            expireAfterSeconds=int(KEPT.total_seconds()),
            name="kept_for_days",
        )

    def keep(self, published: Iterable[Document], now: datetime) -> None:
        """Add published events; those that are there already stay as they are."""
        kept = [InsertOne(event | _awaiting(event) | {"published_at": now, "on_record": False}) for event in published]
        try:
            self._events.bulk_write(kept, ordered=False)
        except BulkWriteError as error:
            duplicates_in(error)

    def to_ask_about(self, published_by: datetime, now: datetime, limit: int) -> dict[str, str]:
        """Return the digests of events published by then and not known to be on record, by id; not of those put off."""
        where = {**_unconfirmed(published_by), "$nor": [_put_off("ask_at", now)]}
        found = self._events.find(where, {"payload": True}).sort("published_at").limit(limit)
        return {document["_id"]: digest(document["payload"].encode()) for document in found}

    def put_off(self, events: Iterable[Document], now: datetime, field: str = "ask_at") -> None:
        """Postpone the question about these: by the time since they were published, or `LONGEST_WAIT`."""
        for event in events:
            wait = min(abs(now - event["published_at"]), LONGEST_WAIT)
            self._events.update_one({"_id": event["_id"]}, {"$set": {field: now + wait, "put_off_at": now}})

    def awaiting(self, queue: str, published_by: datetime, now: datetime, limit: int) -> list[str]:
        """Return the ids of events published by then without a receipt of the queue; not of those put off."""
        where = {"awaiting": queue, **due("published_at", published_by), "$nor": [_put_off("remind_at", now)]}
        found = self._events.find(where, {"_id": True}).sort("published_at").limit(limit)
        return [document["_id"] for document in found]

    def count_awaiting(self, queue: str, published_by: datetime) -> int:
        """Return the number of events published by then without a receipt of the queue."""
        return self._events.count_documents({"awaiting": queue, **due("published_at", published_by)})

    def receive(self, queue: str, ids: Sequence[str]) -> None:
        """Add the receipts of a queue."""
        self._events.update_many({"_id": {"$in": ids}}, {"$pull": {"awaiting": queue}})
        self._events.update_many({"_id": {"$in": ids}, "awaiting": []}, {"$unset": {"awaiting": True}})

    def ask_soon(self) -> None:
        """Postpone no question any more."""
        put_off = {"$or": [{"ask_at": {"$exists": True}}, {"remind_at": {"$exists": True}}]}
        waiting = {"$or": [{"on_record": False}, {"awaiting": {"$exists": True}}]}
        self._events.update_many({"$and": [waiting, put_off]}, {"$unset": {"ask_at": True, "remind_at": True}})

    def count_unconfirmed(self, published_by: datetime) -> int:
        """Return the number of them."""
        return self._events.count_documents(_unconfirmed(published_by))

    def count(self) -> int:
        """Return the number of events in the ledger."""
        return self._events.estimated_document_count()

    def confirm(self, ids: Sequence[str]) -> None:
        """Mark events as on record."""
        self._events.update_many({"_id": {"$in": ids}}, {"$set": {"on_record": True}})

    def with_ids(self, ids: Iterable[str]) -> list[Document]:
        """Return the events of these ids."""
        return list(self._events.find({"_id": {"$in": list(ids)}}))

    def since(self, moment: datetime, at_once: int) -> Iterator[list[Document]]:
        """Return all events that were published since then, newest first, in batches."""
        batch: list[Document] = []
        found = self._events.find({"published_at": {"$gte": moment}}).sort("published_at", DESCENDING)
        for document in found.batch_size(at_once):
            batch.append(document)
            if len(batch) == at_once:
                yield batch
                batch = []
        if batch:
            yield batch


def _unconfirmed(published_by: datetime) -> Document:
    return {"on_record": False, **due("published_at", published_by)}


def _put_off(field: str, now: datetime) -> Document:
    by_a_wrong_clock = {"$gt": now + BEYOND_DOUBT}
    return {field: {"$gt": now, "$lte": now + LONGEST_WAIT}, "put_off_at": {"$not": by_a_wrong_clock}}


def _awaiting(event: Document) -> Document:
    queues = listening_to(event["type"])
    return {"awaiting": list(queues)} if queues else {}
