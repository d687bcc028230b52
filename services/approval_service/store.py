"""MongoDB documents of approval_service: `approvals` by request id, `policies` by tenant, `accesses` by access id."""

from collections.abc import Iterable
from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from approval_service.domain.access import Access
from approval_service.domain.approval import Approval
from approval_service.domain.policy import Policy
from lockbox.contracts import wire
from lockbox.contracts.approval import (
    AccessRecorded,
    ApprovalView,
    GrantPage,
    GrantState,
    GrantView,
    ListGrants,
    PolicyView,
)
from lockbox.contracts.fields import format_timestamp
from lockbox.contracts.identity import Caller
from lockbox.contracts.request import PENDING
from lockbox.runtime.aggregates import Aggregates
from lockbox.runtime.mongo import Document
from lockbox.runtime.paging import Order, read_page
from lockbox.runtime.relay import Relay
from lockbox.runtime.scope import visible_to

SWEEP_AT_ONCE = 500
NEWEST_GRANT_FIRST = Order(("state.grant.granted_at", "_id"), descending=True)


class ApprovalStore(Aggregates[Approval, ApprovalView]):
    """Approvals, each with its grant."""

    name = "approvals"
    noun = "request"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, Approval, ApprovalView)

    def ensure_indexes(self) -> None:
        """Make the indexes, or find them there."""
        super().ensure_indexes()
        for moment in ("state.expires_at", "state.grant.starts_at", "state.grant.ends_at"):
            state = "state.state" if moment == "state.expires_at" else "state.grant.state"
            self.collection.create_index([(state, ASCENDING), (moment, ASCENDING)])
        self.collection.create_index([("state.tenant", ASCENDING), ("state.grant.granted_at", DESCENDING)])
        self.collection.create_index([("state.requester", ASCENDING), ("state.grant.granted_at", DESCENDING)])
        self.collection.create_index(
            [("state.grant.id", ASCENDING)],
            unique=True,
            partialFilterExpression={"state.grant.id": {"$exists": True}},
        )

    def with_grant(self, grant_id: str) -> Approval | None:
        """The approval that led to this grant."""
        document = self.collection.find_one({"state.grant.id": grant_id})
        return None if document is None else self.state(document)

    def due(self, now: datetime) -> Iterable[str]:
        """The ids of approvals that time has something to do with by `now`."""
        by_now = {"$lte": format_timestamp(now)}
        waiting = [
            {"state.state": {"$in": sorted(PENDING)}, "state.expires_at": by_now},
            {"state.grant.state": GrantState.SCHEDULED, "state.grant.starts_at": by_now},
            {"state.grant.state": GrantState.ACTIVE, "state.grant.ends_at": by_now},
        ]
        found = self.collection.find({"$or": waiting}, projection={"_id": True}).limit(SWEEP_AT_ONCE)
        return [document["_id"] for document in found]

    def grants(self, caller: Caller, query: ListGrants) -> GrantPage:
        """One part of the grants that the caller may see, newest first."""
        where: Document = {"state.grant": {"$ne": None}, **visible_to(caller)}
        if query.state is not None:
            where["state.grant.state"] = query.state
        if query.tenant is not None:
            where = {"$and": [where, {"state.tenant": query.tenant}]}
        documents, cursor = read_page(self.collection, where, NEWEST_GRANT_FIRST, query)
        grants = tuple(wire.decode(GrantView, document["state"]["grant"]) for document in documents)
        return GrantPage(items=grants, next_cursor=cursor)

    def revoked(self, now: datetime) -> Iterable[str]:
        """The ids of grants that somebody ended and that would not have ended by `now`."""
        ended = {"$in": [GrantState.REVOKED, GrantState.COMPLETED]}
        where = {"state.grant.state": ended, "state.grant.ends_at": {"$gt": format_timestamp(now)}}
        return [document["state"]["grant"]["id"] for document in self.collection.find(where, {"state.grant.id": True})]


class PolicyStore(Aggregates[Policy, PolicyView]):
    """Policies of tenants."""

    name = "policies"
    noun = "tenant"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, Policy, PolicyView)


class AccessStore(Aggregates[Access, AccessRecorded]):
    """Attempts to use content."""

    name = "accesses"
    noun = "access"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, Access, AccessRecorded)
