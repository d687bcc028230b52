"""Receipts of events, in the database of the service that handles them.

A document of `receipts` is `{_id: "<queue>/<source>/<event id>", at}`; the event is handled, or parked. While it waits
in a retry tier there is also `due_at`, the time of the next attempt. MongoDB removes a receipt after `KEPT`, when no
source can ask for it any more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bson.codec_options import CodecOptions
from pymongo import ASCENDING, ReplaceOne, WriteConcern
from pymongo.database import Database

from lockbox.runtime.storage import ledger
from lockbox.runtime.storage.mongo import Document, ensure_index

KEPT = ledger.KEPT + timedelta(days=1)
OVERDUE = timedelta(minutes=2)
"""After so long a retry that did not come is lost."""

REPEATABLE = WriteConcern(w=1)
AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True)


@dataclass(frozen=True)
class Receipt:
    """A queue's receipt of an event of a source; `due_at` is the time of the next attempt, if it is tried again."""

    queue: str
    source: str
    event_id: str
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """The receipt's id."""
        return f"{self.queue}/{self.source}/{self.event_id}"


@dataclass(frozen=True)
class Received:
    """The answer about events: those that are received, and those that never came."""

    received: tuple[str, ...]
    missing: tuple[str, ...]


class ReceiptStore:
    """The receipts of one database. A receipt that gets lost does no harm: the event is published again."""

    def __init__(self, database: Database[Document]) -> None:
        self._receipts = database.get_collection("receipts", AWARE, write_concern=REPEATABLE)

    def ensure_indexes(self) -> None:
        """Ensure the index for the removal of old receipts."""
        seconds = int(KEPT.total_seconds())
        ensure_index(self._receipts, [("at", ASCENDING)], expireAfterSeconds=seconds, name="kept_for_days")

    def add(self, receipts: Iterable[Receipt], now: datetime) -> None:
        """Add receipts; the last one of an event counts."""
        documents = {receipt.key: _document(receipt, now) for receipt in receipts}
        writes = [ReplaceOne({"_id": key}, document, upsert=True) for key, document in documents.items()]
        if writes:
            self._receipts.bulk_write(writes, ordered=False)

    def of(self, queue: str, source: str, ids: Iterable[str], now: datetime) -> Received:
        """Return which of these events are received, and which are missing; one that is tried again is neither."""
        keys = {Receipt(queue, source, event_id).key: event_id for event_id in ids}
        found = {keys[each["_id"]]: each for each in self._receipts.find({"_id": {"$in": list(keys)}})}
        received = tuple(event_id for event_id, each in found.items() if "due_at" not in each)
        overdue = {event_id for event_id, each in found.items() if each.get("due_at", now) < now - OVERDUE}
        return Received(received, tuple(each for each in keys.values() if each not in found or each in overdue))


def _document(receipt: Receipt, now: datetime) -> Document:
    due = {} if receipt.due_at is None else {"due_at": receipt.due_at}
    return {"_id": receipt.key, "at": now, **due}
