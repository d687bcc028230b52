"""MongoDB documents of notify_service: `deliveries` by delivery id, `members` and `email_counts` by address.

A delivery's document holds, beside the delivery, `attempts`, `next_at`, `last_error`, its `cause`; a held one has the
id of its `digest`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from pymongo import ASCENDING, ReturnDocument
from pymongo.database import Database

from lockbox.contracts.acts import Act
from lockbox.contracts.events import Cause, Event
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.storage.aggregates import Aggregates
from lockbox.runtime.storage.mongo import LOSABLE, Document, keep_newer
from lockbox.runtime.storage.outbox import Entry
from notify_service.domain.alert import Audience
from notify_service.domain.delivery import Delivery, DeliveryState
from notify_service.domain.digest import EmailCount

WAITING = [DeliveryState.PENDING, DeliveryState.HELD]
SENDING_TAKES_AT_MOST = timedelta(minutes=2)


class DeliveryStore(Aggregates[Delivery, Delivery]):
    """Deliveries, each with the time of its next attempt."""

    name = "deliveries"
    noun = "delivery"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, Delivery, Delivery)

    def ensure_indexes(self) -> None:
        """Ensure that the indexes exist."""
        super().ensure_indexes()
        self.collection.create_index([("state.state", ASCENDING), ("next_at", ASCENDING)])
        self.collection.create_index(
            [("state.recipient", ASCENDING), ("digest", ASCENDING)],
            partialFilterExpression={"state.state": DeliveryState.HELD},
            name="held",
        )

    def first_fields(self, state: Delivery, act: Act, waiting: Sequence[Entry]) -> Document:
        """Return the first attempt's time: a new delivery is due at once, a held one at its time."""
        return {
            "attempts": 0,
            "next_at": state.held_until or act.now,
            "last_error": None,
            "cause": {"correlation_id": act.cause.correlation_id, "causation_id": act.cause.causation_id},
        }

    def claim_due(self, now: datetime) -> Iterator[tuple[Delivery, int, Cause]]:
        """Lease the deliveries that are due, one by one, each with the number of this attempt."""
        while True:
            document = self.collection.find_one_and_update(
                {"state.state": {"$in": WAITING}, "next_at": {"$lte": now}},
                {"$set": {"next_at": now + SENDING_TAKES_AT_MOST}, "$inc": {"attempts": 1}},
                sort=[("next_at", ASCENDING)],
                return_document=ReturnDocument.AFTER,
            )
            if document is None:
                return
            yield self.state(document), document["attempts"], Cause(actor="notify_service", **document["cause"])

    def postpone(self, key: str, until: datetime, error: str) -> None:
        """Postpone the next attempt."""
        self.collection.update_one({"_id": key}, {"$set": {"next_at": until, "last_error": error[:500]}})

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


class EmailCountStore:
    """Counts of the emails to each recipient in its window of time; one write counts for all processes."""

    name = "email_counts"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        self.collection = database[self.name].with_options(**LOSABLE)

    def ensure_indexes(self) -> None:
        """Ensure that the index exists."""
        self.collection.create_index([("until", ASCENDING)], expireAfterSeconds=0)

    def count(self, recipient: str, window: timedelta, now: datetime) -> EmailCount:
        """Count an email; the first one after a window begins the next."""
        over = {"$lte": [{"$ifNull": ["$until", now]}, now]}
        number = {"$cond": [over, 1, {"$add": ["$number", 1]}]}
        until = {"$cond": [over, now + window, "$until"]}
        document = self.collection.find_one_and_update(
            {"_id": recipient},
            [{"$set": {"number": number, "until": until}}],
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
