"""MongoDB documents of request_service: `requests` by request id, `tenants` by name, `paces` by engineer or customer.

A request's document holds, beside the request itself, its state and history by events: `standing` (`state`, and the
`sequence` of the event that brought it) and `history`. The request's first event stands in its history from the start;
the later ones are added as they are delivered. A history has a limit of its size, so that a request always takes its
outcome: beyond it, `history_cut` is set, and the audit trail alone has the rest.
"""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta

from prometheus_client import Counter
from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from lockbox.contracts import wire
from lockbox.contracts.acts import Act
from lockbox.contracts.alert import AlertFailed, AlertSent
from lockbox.contracts.fields import parse_duration
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.facts import PolicyChanged
from lockbox.contracts.request.operations import ListRequests
from lockbox.contracts.request.terms import AccessTerms, RequestState
from lockbox.contracts.request.views import HistoryEntry, RequestPage, RequestView, TenantList, TenantView
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.storage.aggregates import Aggregates
from lockbox.runtime.storage.mongo import DUPLICATE_KEY, LOSABLE, Document, keep_newer
from lockbox.runtime.storage.outbox import Entry
from lockbox.runtime.storage.paging import Order, read_page
from lockbox.runtime.storage.recent import RecentReads
from lockbox.runtime.storage.visibility import visible_to
from lockbox.values.timestamps import format_timestamp, parse_timestamp
from request_service.domain.pace import AskingLimit
from request_service.domain.request import AccessRequest
from request_service.domain.state import Standing

SHOWN = tuple(field.name for field in fields(RequestView))
ENTRY = ("id", "type", "time", "actor", "data")
LIMITS_SECONDS = 0.2
"""The time that limits are used for after they were read.

They spare an engineer a request that the policy would deny. The policy itself is read by approval_service for each
request; it denies what is beyond the limits in force, however a request came in.
"""
NEWEST_FIRST = Order(("state.created_at", "_id"), descending=True, left_out=("history",))
ALERTS = frozenset({AlertSent.type, AlertFailed.type})
LARGEST_WITH_ALERTS, LARGEST_WITH_HISTORY = 2 * 1024 * 1024, 6 * 1024 * 1024
"""The sizes of a document up to which alerts, and all other events, are added to its history."""
KEYS_KEPT = 100
"""The commands that a pace knows it has counted, so that one which is sent again is not counted again."""
REFUSED = Counter("lockbox_requests_refused_total", "Requests that came too often, by limit.", ("of",))


class RequestStore(Aggregates[AccessRequest, RequestView]):
    """Requests and where they stand."""

    name = "requests"
    noun = "request"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, AccessRequest, RequestView)

    def ensure_indexes(self) -> None:
        """Ensure that the indexes exist."""
        super().ensure_indexes()
        for first in ("state.tenant", "state.requester", "standing.state"):
            self.collection.create_index([(first, ASCENDING), ("state.created_at", DESCENDING)])
        self.collection.create_index([("state.created_at", DESCENDING), ("_id", DESCENDING)])

    def first_fields(self, state: AccessRequest, act: Act, waiting: Sequence[Entry]) -> Document:
        """Return the state and the history of a new request: it waits for the vendor until an event says otherwise."""
        standing = {
            "state": RequestState.PENDING_VENDOR,
            "sequence": 0,
            "expires_at": format_timestamp(state.expires_at),
        }
        return {"standing": standing, "history": [_history_of(entry) for entry in waiting]}

    def view(self, document: Document, state: AccessRequest) -> RequestView:
        """Return the request, where it stands and its history; it carries its document, made of the state's."""
        standing = document["standing"]
        history = [
            {name: entry[name] for name in ENTRY}
            for entry in sorted(document["history"], key=lambda entry: (entry["time"], entry["sequence"]))
        ]
        view = RequestView(
            **wire.named(AccessTerms, state),
            id=state.request_id,
            requester=state.requester,
            created_at=state.created_at,
            state=RequestState(standing["state"]),
            expires_at=parse_timestamp(standing["expires_at"]),
            history=tuple(HistoryEntry(**entry | {"time": parse_timestamp(entry["time"])}) for entry in history),
            history_cut=document.get("history_cut", False),
        )
        shown = {"id": document["_id"], **standing, "history": history, "history_cut": view.history_cut}
        return wire.keep(view, {name: (document["state"] | shown)[name] for name in SHOWN})

    def read(self, request_id: str) -> RequestView:
        """One request; raises `NotFound`."""
        return self.view_of(self.get(request_id))

    def list(self, caller: Caller, query: ListRequests) -> RequestPage:
        """One part of the requests that the caller may see, newest first, without their histories."""
        asked_for = {
            "state.tenant": query.tenant,
            "standing.state": query.state,
            "state.requester": query.requester,
        }
        where = {"$and": [visible_to(caller), {name: value for name, value in asked_for.items() if value is not None}]}
        documents, cursor = read_page(self.collection, where, NEWEST_FIRST, query)
        items = tuple(self.view_of(document | {"history": []}) for document in documents)
        return RequestPage(items=items, next_cursor=cursor)

    def remember(self, request_id: str, entry: HistoryEntry, sequence: int) -> None:
        """Add an event to a request's history, unless it is there; where it has no room, note that it is cut."""
        largest = LARGEST_WITH_ALERTS if entry.type in ALERTS else LARGEST_WITH_HISTORY
        new: Document = {"_id": request_id, "history.id": {"$ne": entry.id}}
        room = {"$expr": {"$lt": [{"$bsonSize": "$$ROOT"}, largest]}}
        push = {"$push": {"history": wire.encode(entry) | {"sequence": sequence}}}
        if not self.collection.update_one(new | room, push).matched_count:
            self.collection.update_one(new, {"$set": {"history_cut": True}})

    def update_state(self, request_id: str, standing: Standing) -> None:
        """Store the state of a request, unless a later one is stored."""
        new: Document = {"standing.state": standing.state, "standing.sequence": standing.sequence}
        if standing.expires_at is not None:
            new["standing.expires_at"] = format_timestamp(standing.expires_at)
        self.collection.update_one({"_id": request_id, "standing.sequence": {"$lt": standing.sequence}}, {"$set": new})


class TenantStore:
    """Limits of the tenants, by the policies that the events of approval_service announce."""

    name = "tenants"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        self.collection = database[self.name]
        self._recent: RecentReads[TenantView] = RecentReads(LIMITS_SECONDS)

    def ensure_indexes(self) -> None:
        """Ensure nothing: tenants are found by their id."""

    def find(self, tenant: str) -> TenantView | None:
        """Return the limits of requests to this tenant, as they are or were a moment ago; None if it is unknown."""
        return self._recent.get(tenant, self._read)

    def all(self) -> TenantList:
        """All tenants, by name."""
        return TenantList(items=tuple(map(_tenant, self.collection.find().sort("_id", ASCENDING))))

    def learn(self, policy: PolicyChanged) -> None:
        """Store the limits of a policy, unless those of a later version are stored."""
        keep_newer(self.collection, wire.encode(policy) | {"_id": policy.tenant}, "version")
        self._recent.forget(policy.tenant)

    def _read(self, tenant: str) -> TenantView | None:
        document = self.collection.find_one({"_id": tenant})
        return None if document is None else _tenant(document)


class PaceStore:
    """Paces of asking, by engineer and by customer: `until`, and the `keys` of the commands that were counted last.

    One write looks and counts, so that any number of processes share a pace. A pace is removed once it has run out.
    """

    name = "paces"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        self.collection = database[self.name].with_options(**LOSABLE)

    def ensure_indexes(self) -> None:
        """Ensure that the index exists."""
        self.collection.create_index([("until", ASCENDING)], expireAfterSeconds=0)

    def count_together(self, limits: Sequence[AskingLimit], key: str, now: datetime) -> int:
        """Count a request in each of these, up to the first that needs `count`; return their number."""
        try:
            self.collection.bulk_write([_counting(limit, key, now) for limit in limits])
        except BulkWriteError as error:
            [fault] = error.details["writeErrors"]
            if fault["code"] != DUPLICATE_KEY:
                raise
            return int(fault["index"])
        return len(limits)

    def count(self, limit: AskingLimit, key: str, now: datetime) -> None:
        """Count a request, once by its key; raises `TooMany` if it comes too early."""
        while not self.count_together([limit], key, now):
            pace = self.collection.find_one({"_id": limit.key})
            if pace is None or (pace["until"] <= limit.latest(now) and key not in pace["keys"]):
                continue  # another process has changed it meanwhile
            if key in pace["keys"]:
                return
            REFUSED.labels(limit.of).inc()
            raise limit.refusal(pace["until"], now)

    def take_back(self, limit: AskingLimit, key: str) -> None:
        """Uncount a request that another limit refused."""
        earlier = {"$subtract": ["$until", _milliseconds(limit.returns_after)]}
        others = {"$filter": {"input": "$keys", "cond": {"$ne": ["$$this", {"$literal": key}]}}}
        self.collection.update_one({"_id": limit.key, "keys": key}, [{"$set": {"until": earlier, "keys": others}}])


def _counting(limit: AskingLimit, key: str, now: datetime) -> UpdateOne:
    """Return the write that counts a request.

    Where a pace leaves no room, or knows the key, the filter misses it, and the insert meets it: a duplicate key.
    """
    room = {"_id": limit.key, "until": {"$not": {"$gt": limit.latest(now)}}, "keys": {"$ne": key}}
    until = {"$add": [{"$max": ["$until", now]}, _milliseconds(limit.returns_after)]}
    keys = {"$slice": [{"$concatArrays": [{"$ifNull": ["$keys", []]}, [{"$literal": key}]]}, -KEYS_KEPT]}
    return UpdateOne(room, [{"$set": {"until": until, "keys": keys}}], upsert=True)


def _milliseconds(time: timedelta) -> float:
    return time / timedelta(milliseconds=1)


def _history_of(entry: Entry) -> Document:
    event = json.loads(entry.payload)
    return {name: event[name] for name in ENTRY} | {"sequence": entry.sequence}


def _tenant(document: Document) -> TenantView:
    return TenantView(
        tenant=document["_id"],
        maximum_duration=parse_duration(document["maximum_duration"]),
        request_lifetime=parse_duration(document["request_lifetime"]),
        default_duration=parse_duration(document["default_duration"]),
        service_request_pattern=document.get("service_request_pattern"),
    )
