"""Usage of grants in MongoDB: added up from the records at each read, so that no sum is stored that could be wrong.

An access is on record once, as the id of its event is made of its `access_id`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo import ASCENDING
from pymongo.database import Database
from pymongo.errors import ExecutionTimeout

from audit_service.domain.usage import ACCESSES, ALLOWED, DENIED, GRANTED, LIFE, OWNER, Counted, Period, Tally, together
from audit_service.store import IN_TIME, RecordStore, in_time
from lockbox.contracts.events import Event, read_event
from lockbox.contracts.usage import GetGrantUsage, GetUsage, GrantUsage, RefusalsByReason, UsageReport, WithoutGrant
from lockbox.errors import Unavailable
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.storage.mongo import Document, ensure_index
from lockbox.runtime.storage.paging import read_page
from lockbox.values.timestamps import format_timestamp, parse_timestamp

KINDS_IN_A_LIST, KINDS_OF_ONE = 20, 1_000
MILLISECONDS = 5_000
WHEN = {"times": {"$sum": 1}, "first": {"$min": "$access.at"}, "last": {"$max": "$access.at"}}


class UsageStore:
    """The records of grants and of their use."""

    name = RecordStore.name

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        self.collection = database[self.name]

    def ensure_indexes(self) -> None:
        """Ensure that the index of a tenant's grants and refusals exists."""
        ensure_index(
            self.collection,
            [(field, ASCENDING) for field in ("tenant", "type", *IN_TIME)],
            partialFilterExpression={"type": {"$in": [DENIED, GRANTED]}, "source": OWNER},
            name="grants_and_refusals",
        )

    def report(self, query: GetUsage, period: Period) -> UsageReport:
        """Return the grants given within a period, and all accesses under them since."""
        with _in_time():
            granted = _within(query.tenant, GRANTED, period)
            grants, used = self._totals(query.tenant, granted)
            documents, cursor = read_page(self.collection, granted, in_time(descending=True), query)
            return UsageReport(
                tenant=query.tenant,
                start=period.start,
                end=period.end,
                grants=grants,
                never_used=grants - used,
                without_grant=self._without_grant(query.tenant, period),
                items=tuple(self._usages(query.tenant, documents, KINDS_IN_A_LIST)),
                next_cursor=cursor,
            )

    def of_grant(self, query: GetGrantUsage) -> GrantUsage | None:
        """Return the usage of one grant; None if the tenant has no such grant."""
        about = _of(query.tenant, GRANTED) | {"subject": query.grant_id}
        with _in_time():
            granted = self.collection.find(about, max_time_ms=MILLISECONDS).limit(1)
            return next(iter(self._usages(query.tenant, list(granted), KINDS_OF_ONE)), None)

    def _totals(self, tenant: str, granted: Document) -> tuple[int, int]:
        """Return the number of grants, and how many of them were used."""
        steps = [
            {"$match": granted},
            {"$project": {"subject": True}},
            _joined("uses", "subject", _of(tenant, ALLOWED)),
            {"$group": {"_id": None, "grants": {"$sum": 1}, "used": {"$sum": {"$size": "$uses"}}}},
        ]
        found = next(self._aggregate(steps), {"grants": 0, "used": 0})
        return found["grants"], found["used"]

    def _without_grant(self, tenant: str, period: Period) -> WithoutGrant:
        """Return the refusals of attempts that showed no grant, or one of another tenant."""
        steps = [
            {"$match": _within(tenant, DENIED, period)},
            {"$group": {"_id": {"grant": "$access.grant_id", "reason": "$access.reason"}, **WHEN}},
            _joined("grants", "_id.grant", _of(tenant, GRANTED)),
            {"$match": {"grants": []}},
            {
                "$group": {
                    "_id": "$_id.reason",
                    "times": {"$sum": "$times"},
                    "first": {"$min": "$first"},
                    "last": {"$max": "$last"},
                }
            },
            {"$sort": {"times": -1, "_id": 1}},
        ]
        reasons = tuple(RefusalsByReason(reason=found["_id"], **_when(found)) for found in self._aggregate(steps))
        return WithoutGrant(**vars(together(reasons)), reasons=reasons)

    def _usages(self, tenant: str, granted: Sequence[Document], most: int) -> Sequence[GrantUsage]:
        """Return the usage of several grants, in one pass over their records."""
        tallies = {document["subject"]: Tally(_event(document["payload"]), most) for document in granted}
        for found in self._kinds(tenant, list(tallies)):
            tally = tallies[found["_id"]["grant"]]
            if found["latest"]:
                tally.follow(_event(found["latest"]["payload"]))
            else:
                tally.count(_counted(found))
        return [tally.usage() for tally in tallies.values()]

    def _kinds(self, tenant: str, grant_ids: Sequence[str]) -> Iterator[Document]:
        """Return accesses under these grants by kind, the most frequent first; of each step, the last event."""
        kind = {name: f"$access.{name}" for name in ("resource", "action", "reason")}
        latest = {"sequence": "$sequence", "payload": "$payload"}
        steps = [
            {"$match": _of(tenant, {"$in": [*ACCESSES, *LIFE]}) | {"subject": {"$in": list(grant_ids)}}},
            {
                "$group": {
                    "_id": {"grant": "$subject", "type": "$type", **kind},
                    **WHEN,
                    "latest": {"$max": {"$cond": [{"$in": ["$type", list(LIFE)]}, latest, None]}},
                }
            },
            {"$sort": {"times": -1, "_id": 1}},
        ]
        return self._aggregate(steps)

    def _aggregate(self, steps: Sequence[Document]) -> Iterator[Document]:
        return iter(self.collection.aggregate(list(steps), maxTimeMS=MILLISECONDS))


@contextmanager
def _in_time() -> Iterator[None]:
    """Give up a report that takes MongoDB too long; raise `Unavailable`."""
    try:
        yield
    except ExecutionTimeout as error:
        raise Unavailable(
            "report_too_long", "too much is on record to add up at once; ask for fewer grants, or a shorter period"
        ) from error


def _of(tenant: str, type_: str | Document) -> Document:
    """Return a filter on a tenant's records of a type, by the one service that owns grants and their use."""
    return {"tenant": tenant, "type": type_, "source": OWNER}


def _within(tenant: str, type_: str, period: Period) -> Document:
    times = {"$gte": format_timestamp(period.start), "$lt": format_timestamp(period.end)}
    return _of(tenant, type_) | {"time": times}


def _joined(name: str, field: str, where: Document) -> Document:
    """Return the step that looks up a record about the subject that a field names."""
    return {
        "$lookup": {
            "from": RecordStore.name,
            "localField": field,
            "foreignField": "subject",
            "pipeline": [{"$match": where}, {"$limit": 1}, {"$project": {"_id": True}}],
            "as": name,
        }
    }


def _counted(found: Document) -> Counted:
    what = found["_id"]
    named = {name: what[name] for name in ("type", "resource", "action", "reason")}
    return Counted(grant_id=what["grant"], **named, **_when(found))


def _when(found: Document) -> dict[str, Any]:
    first, last = (parse_timestamp(found[name]) for name in ("first", "last"))
    return {"times": found["times"], "first_at": first, "last_at": last}


def _event(payload: str) -> Event:
    return read_event(payload.encode())
