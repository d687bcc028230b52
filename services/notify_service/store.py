"""MongoDB documents of notify_service: `deliveries` by delivery id, `members` by address.

A delivery's document holds, beside the delivery, `attempts`, `next_at`, `last_error`, and its `cause`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from pymongo import ASCENDING, ReturnDocument
from pymongo.database import Database

from lockbox.contracts.acts import Act
from lockbox.contracts.events import Cause, Event
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.storage.aggregates import Aggregates
from lockbox.runtime.storage.mongo import Document, keep_newer
from lockbox.runtime.storage.outbox import Entry
from notify_service.domain.alert import Audience
from notify_service.domain.delivery import Delivery, DeliveryState

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

    def first_fields(self, state: Delivery, act: Act, waiting: Sequence[Entry]) -> Document:
        """Return the first attempt's time: a new delivery is due at once."""
        return {
            "attempts": 0,
            "next_at": act.now,
            "last_error": None,
            "cause": {"correlation_id": act.cause.correlation_id, "causation_id": act.cause.causation_id},
        }

    def claim_due(self, now: datetime) -> Iterator[tuple[Delivery, int, Cause]]:
        """Lease the deliveries that are due, one by one, each with the number of this attempt."""
        while True:
            document = self.collection.find_one_and_update(
                {"state.state": DeliveryState.PENDING, "next_at": {"$lte": now}},
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
