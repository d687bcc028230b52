"""MongoDB documents of audit_service: `records` by event id.

A document is `{_id, source, type, tenant, actor, subject, time, sequence, payload, digest, recorded_at}`: the event as
it was published is `payload`, and what records are searched by stands beside it; of a use of content, `access` is what
uses are counted by. Documents are added and read; this service's database user may do nothing else with them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import Counter
from pymongo import ASCENDING
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from audit_service.domain.record import Record
from audit_service.domain.usage import ACCESSES, OWNER
from audit_service.record_filter import has, record_filter, trail
from lockbox.contracts.audit import ListRecords, RecordPage
from lockbox.contracts.wire import Encoded
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.process import crash_points
from lockbox.runtime.storage.mongo import Document, duplicates_in, ensure_index
from lockbox.runtime.storage.paging import Order, read_page
from lockbox.values.timestamps import format_timestamp

ASKED, MOST_REQUESTS = "request_created", 200
IN_TIME = ("time", "sequence", "_id")
FOREIGN = Counter("lockbox_foreign_events_total", "Events of a type that their source does not own.", ("source",))
COUNTED_BY = ("grant_id", "resource", "action", "reason", "at")


def in_time(*, descending: bool) -> Order:
    """Return the order of the times of records."""
    return Order(IN_TIME, descending, frozenset({"sequence"}))


class RecordStore:
    """The record of every event."""

    name = "records"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        self.collection = database[self.name]

    def ensure_indexes(self) -> None:
        """Ensure that the indexes exist.

        Each is paid for by every event that there is, so there are two: one for a tenant's trail, which also holds what
        it is narrowed by, and one for what is about one thing.
        """
        in_time = [(field, ASCENDING) for field in IN_TIME]
        ensure_index(self.collection, [("tenant", ASCENDING), *in_time, ("type", ASCENDING), ("actor", ASCENDING)])
        ensure_index(self.collection, [("subject", ASCENDING), *in_time])

    def add(self, records: Sequence[Record]) -> dict[str, str]:
        """Add the records with new keys; return by key the digests that are on record now."""
        digests = {record.key: record.digest for record in records}
        crash_points.passing("before_intake_insert")
        try:
            self.collection.insert_many(map(_document, records), ordered=False)
        except BulkWriteError as error:
            repeated = duplicates_in(error)
            found = self.collection.find({"_id": {"$in": repeated}}, {"digest": True})
            digests |= {document["_id"]: document["digest"] for document in found}
        crash_points.passing("after_intake_insert")
        for record in records:
            if record.foreign:
                FOREIGN.labels(record.event.source).inc()
        return digests

    def digests(self, source: str, ids: Iterable[str]) -> Mapping[str, str]:
        """Return the digests of those events of one source that are on record, by their ids."""
        keys = [f"{source}/{event_id}" for event_id in ids]
        found = self.collection.find({"_id": {"$in": keys}}, {"digest": True})
        return {document["_id"].removeprefix(f"{source}/"): document["digest"] for document in found}

    def list(self, query: ListRecords) -> Encoded[RecordPage]:
        """Return one part of a tenant's records, in the order of their times; those of one write in their own order.

        What is on record is handed through as the text that it is.
        """
        documents, cursor = read_page(
            self.collection, self._filter(query), in_time(descending=query.newest_first), query
        )
        return Encoded(f'{{"items": [{", ".join(map(_text, documents))}], "next_cursor": {json.dumps(cursor)}}}')

    def _filter(self, query: ListRecords) -> Document:
        return record_filter(query, () if query.service_request is None else self._requests(query))

    def _requests(self, query: ListRecords) -> Sequence[str]:
        """Return the ids of the newest requests with a service request: its other events name their request alone."""
        asked = trail(query.tenant) | {"type": ASKED} | has(("service_request",), str(query.service_request))
        found = self.collection.find(asked, {"subject": True}).sort("time", -1).limit(MOST_REQUESTS)
        return tuple(str(document["subject"]) for document in found)


def _document(record: Record) -> Document:
    event = record.event
    searched_by: Document = {
        "_id": record.key,
        "source": event.source,
        "type": event.type,
        "tenant": event.tenant,
        "actor": event.actor,
        "subject": event.subject,
        "time": format_timestamp(event.time),
        "sequence": event.sequence,
        "payload": record.payload,
        "digest": record.digest,
        "recorded_at": format_timestamp(record.recorded_at),
    }
    if record.foreign:
        searched_by["foreign"] = True
    if event.source == OWNER and event.type in ACCESSES:
        searched_by["access"] = {name: event.data.get(name) for name in COUNTED_BY}
    return searched_by


def _text(document: Document) -> str:
    """Return the text of a record: the event as it was published, with the record's own members at its end."""
    event = document["payload"].rstrip().removesuffix("}")
    foreign = ', "foreign": true' if document.get("foreign") else ""
    return f'{event}, "digest": "{document["digest"]}", "recorded_at": "{document["recorded_at"]}"{foreign}}}'
