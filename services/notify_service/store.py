"""MongoDB documents of notify_service: `deliveries` by delivery id, `members` and `email_counts` by address.

A delivery's document holds, beside the delivery, `attempts`, `next_at`, `set_at`, `created_at`, `last_error`, its
`cause`; a held one has the id of its `digest`. `set_at` is the time at which `next_at` was set: where it lies in the
future, a wrong clock has set both.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from pymongo import ASCENDING, ReturnDocument
from pymongo.database import Database
from pymongo.errors import PyMongoError

from lockbox.contracts.acts import Act
from lockbox.contracts.events import Cause, Changed, Event
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.process.waiting import until
from lockbox.runtime.storage.aggregates import Aggregates
from lockbox.runtime.storage.ledger import BEYOND_DOUBT
from lockbox.runtime.storage.mongo import LOSABLE, Document, keep_newer
from lockbox.runtime.storage.outbox import Entry
from notify_service.domain.alert import Audience
from notify_service.domain.delivery import Delivery, DeliveryState
from notify_service.domain.digest import EmailCount
from notify_service.domain.places import Closed

WAITING = [DeliveryState.PENDING, DeliveryState.HELD]
SENDING_TAKES_AT_MOST = timedelta(minutes=2)
PENDING: Document = {"state.state": DeliveryState.PENDING}
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class DeliveryStore(Aggregates[Delivery, Delivery]):
    """Deliveries, each with the time of its next attempt."""

    name = "deliveries"
    noun = "delivery"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, Delivery, Delivery)

    def ensure_indexes(self) -> None:
        """Ensure that the indexes exist."""
        super().ensure_indexes()
        for time in ("next_at", "set_at"):
            self.collection.create_index([("state.state", ASCENDING), (time, ASCENDING)])
        self.collection.create_index(
            [("state.recipient", ASCENDING), ("digest", ASCENDING)],
            partialFilterExpression={"state.state": DeliveryState.HELD},
            name="held",
        )
        for name, *fields in (
            ("to_send", "next_at", "state.tenant", "state.recipient"),
            ("oldest", "created_at"),
        ):
            keys = [(field, ASCENDING) for field in fields]
            self.collection.create_index(keys, partialFilterExpression=PENDING, name=name)

    def first_fields(self, state: Delivery, act: Act, waiting: Sequence[Entry]) -> Document:
        """Return the first attempt's time: a new delivery is due at once, a held one at its time."""
        return {
            "attempts": 0,
            "next_at": state.held_until or act.now,
            "set_at": act.now,
            "created_at": act.now,
            "last_error": None,
            "cause": {"correlation_id": act.cause.correlation_id, "causation_id": act.cause.causation_id},
        }

    def claim_due(self, now: datetime, closed: Closed) -> tuple[Delivery, int, Cause] | None:
        """Lease the delivery that is due for longest, with the number of this attempt; none that is closed."""
        document = self._lease({**PENDING, **_open(closed)}, now)
        return None if document is None else self._claimed(document)

    def claim_held(self, now: datetime) -> Iterator[tuple[Delivery, int, Cause]]:
        """Lease the held deliveries that are due, one by one, each with the number of this look."""
        while document := self._lease({"state.state": DeliveryState.HELD}, now):
            yield self._claimed(document)

    def conclude(self, key: str, act: Act, step: Callable[[Delivery], Changed[Delivery]]) -> None:
        """Store the end of a delivery, however long MongoDB is away: an email that was sent is not sent again."""
        until(partial(self.change, key, act, step), PyMongoError, "email_result_waits")

    def postpone(self, key: str, now: datetime, wait: timedelta, error: str) -> None:
        """Postpone the next attempt."""
        self._set(key, now, now + wait, error)

    def give_back(self, key: str, now: datetime, error: str) -> None:
        """Make a delivery due again, without an attempt."""
        self._set(key, now, now, error, {"$inc": {"attempts": -1}})

    def mend_times(self, now: datetime) -> None:
        """Make a delivery due if a clock that was ahead set its next attempt."""
        wrong = {"state.state": {"$in": WAITING}, "set_at": {"$gt": now + BEYOND_DOUBT}}
        self.collection.update_many(wrong, {"$set": {"next_at": now, "set_at": now}})

    def waiting(self) -> tuple[int, datetime | None]:
        """Return the number of deliveries that are not sent, and the time at which the oldest was created."""
        since = {**PENDING, "created_at": {"$gt": LONG_AGO}}
        oldest = self.collection.find_one(since, {"created_at": True}, sort=[("created_at", ASCENDING)])
        return self.collection.count_documents(PENDING), oldest["created_at"] if oldest else None

    def _lease(self, where: Document, now: datetime) -> Document | None:
        return self.collection.find_one_and_update(
            {**where, "next_at": {"$lte": now}},
            {"$set": {"next_at": now + SENDING_TAKES_AT_MOST, "set_at": now}, "$inc": {"attempts": 1}},
            sort=[("next_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )

    def _claimed(self, document: Document) -> tuple[Delivery, int, Cause]:
        return self.state(document), document["attempts"], Cause(actor="notify_service", **document["cause"])

    def _set(self, key: str, now: datetime, until: datetime, error: str, more: Document | None = None) -> None:
        change = {"$set": {"next_at": until, "set_at": now, "last_error": error[:500]}, **(more or {})}
        self.collection.update_one({"_id": key}, change)

    def join(self, held: Delivery, new_digest: str) -> str:
        """Return the digest that a held delivery is in: the new one for all of its recipient that are in none."""
        waiting = self._held(held.recipient)
        self.collection.update_many(waiting | {"digest": None}, {"$set": {"digest": new_digest}})
        document = self.collection.find_one({"_id": held.id}, {"digest": True}) or {}
        return str(document.get("digest") or new_digest)

    def leave(self, held: Delivery) -> None:
        """Take a held delivery out of a digest that was written without it."""
        self.collection.update_one({"_id": held.id}, {"$unset": {"digest": True}})

    def held_in(self, digest: str, recipient: str) -> Sequence[Delivery]:
        """Return the held deliveries in a digest, in the order in which they came."""
        found = self.collection.find(self._held(recipient) | {"digest": digest}, {"state": True})
        return [self.state(document) for document in found.sort([("next_at", ASCENDING), ("_id", ASCENDING)])]

    @staticmethod
    def _held(recipient: str) -> Document:
        return {"state.state": DeliveryState.HELD, "state.recipient": recipient}


def _open(closed: Closed) -> Document:
    """Return the filter for deliveries that are not closed."""
    allowed: Document = {"_id": {"$nin": list(closed.ids)}, "state.tenant": {"$nin": list(closed.tenants)}}
    if closed.domains:
        domains = "|".join(map(re.escape, sorted(closed.domains)))
        allowed["state.recipient"] = {"$not": re.compile(f"@(?:{domains})$", re.IGNORECASE)}
    return allowed


class EmailCountStore:
    """Counts of the emails to each recipient in its window of time; one write counts for all processes."""

    name = "email_counts"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        self.collection = database[self.name].with_options(**LOSABLE)

    def ensure_indexes(self) -> None:
        """Ensure that the index exists."""
        self.collection.create_index([("until", ASCENDING)], expireAfterSeconds=0)

    def count(self, recipient: str, window: timedelta, now: datetime) -> EmailCount:
        """Count an email; the first one after a window begins the next, as does one in a window of a wrong clock."""
        until = {"$ifNull": ["$until", now]}
        over = {"$or": [{"$lte": [until, now]}, {"$gt": [until, now + window + BEYOND_DOUBT]}]}
        number = {"$cond": [over, 1, {"$add": ["$number", 1]}]}
        ends = {"$cond": [over, now + window, "$until"]}
        document = self.collection.find_one_and_update(
            {"_id": recipient},
            [{"$set": {"number": number, "until": ends}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return EmailCount(document["number"], document["until"])


class RecipientStore:
    """Recipients: the members that the events of portal_service name."""

    name = "members"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        self.collection = database[self.name]

    def ensure_indexes(self) -> None:
        """Ensure that the index exists."""
        self.collection.create_index([("organisation", ASCENDING), ("roles", ASCENDING)])

    def learn(self, email: str, organisation: str, roles: Iterable[str], event: Event) -> None:
        """Store a member's roles, unless later ones are stored."""
        known = {"_id": email, "organisation": organisation, "roles": list(roles), "sequence": event.sequence}
        keep_newer(self.collection, known, "sequence")

    def addresses(self, audience: Audience) -> Iterable[str]:
        """Return the addresses of an audience, in their order; of an organisation's people, those of its members."""
        if audience.organisation is None:
            return audience.emails
        named = {"$or": [{"roles": {"$in": list(audience.roles)}}, {"_id": {"$in": list(audience.emails)}}]}
        where = {"$and": [{"organisation": audience.organisation}, named, {"_id": {"$ne": audience.but}}]}
        return [member["_id"] for member in self.collection.find(where, {"_id": True}).sort("_id", ASCENDING)]
