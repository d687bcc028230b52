"""MongoDB documents of approval_service.

`approvals` by request id, `policies` by tenant, `members` by address, `accesses` by access id.
"""

import logging
import random
from collections.abc import Iterable, Mapping
from datetime import datetime

from prometheus_client import Counter
from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from approval_service.domain.access import AccessRecord
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.views import as_view
from approval_service.domain.grant import Grant
from approval_service.domain.keyring import Keyring
from approval_service.domain.people import Person
from approval_service.domain.policy.policy import Policy
from approval_service.domain.policy.policy import as_view as as_policy_view
from lockbox.contracts import wire
from lockbox.contracts.access import AccessRecorded, RefusedAccess
from lockbox.contracts.approval.facts import BreakGlassAcknowledged, RequestCancelled, RequestDenied, RequestExpired
from lockbox.contracts.approval.operations import ListBreakGlass, ListQueue
from lockbox.contracts.approval.views import ApprovalView
from lockbox.contracts.grant.facts import GrantCompleted, GrantExpired, GrantRevoked
from lockbox.contracts.grant.operations import ListGrants
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.identity import Caller
from lockbox.contracts.keys import KeyList, SigningKeyRevoked
from lockbox.contracts.page import Page
from lockbox.contracts.policy.facts import PolicyChangeRejected
from lockbox.contracts.policy.views import PolicyView
from lockbox.contracts.request.terms import PENDING
from lockbox.runtime.events.relay import Relay
from lockbox.runtime.storage.aggregates import Aggregates
from lockbox.runtime.storage.mongo import Document, keep_newer
from lockbox.runtime.storage.paging import Order, read_page
from lockbox.runtime.storage.visibility import visible_to
from lockbox.values.timestamps import format_timestamp

SWEEP_AT_ONCE = 2_000
OUTCOMES = (RequestDenied, RequestCancelled, RequestExpired)
REFUSED = Counter(
    "lockbox_access_records_refused_total", "Reports of enforcement points that may not stand on record.", ("code",)
)
NEWEST_GRANT_FIRST = Order(("state.grant.granted_at", "_id"), descending=True)
NEWEST_BREAK_GLASS_FIRST = Order(("state.break_glass.opened_at", "_id"), descending=True)
FIRST_TO_END = Order(("until", "_id"))
STAGES, EXTENDED = "state.deliberation.stages", "state.extensions"

log = logging.getLogger(__name__)


class ApprovalStore(Aggregates[Approval, ApprovalView]):
    """Approvals, each with its grant."""

    name = "approvals"
    noun = "request"
    endings = frozenset(
        kind.type for kind in (*OUTCOMES, GrantRevoked, GrantCompleted, GrantExpired, BreakGlassAcknowledged)
    )

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, Approval, ApprovalView)

    def ensure_indexes(self) -> None:
        """Ensure that the indexes exist."""
        super().ensure_indexes()
        for moment in ("state.expires_at", "state.grant.starts_at", "state.grant.ends_at", "state.grant.ended_at"):
            state = "state.state" if moment == "state.expires_at" else "state.grant.state"
            self.collection.create_index([(state, ASCENDING), (moment, ASCENDING)])
        for owner in ("state.tenant", "state.requester"):
            self.collection.create_index([(owner, ASCENDING), ("state.grant.granted_at", DESCENDING)])
        self.collection.create_index([("state.extensions.state", ASCENDING)])
        self.collection.create_index([("state.break_glass.opened_at", DESCENDING)])
        self.collection.create_index(
            [("state.grant.id", ASCENDING)],
            unique=True,
            partialFilterExpression={"state.grant.id": {"$exists": True}},
        )

    def view(self, document: Document, state: Approval) -> ApprovalView:
        """Return the view of an approval."""
        return as_view(state)

    def with_grant(self, grant_id: str) -> Approval | None:
        """Return the approval of this grant, or None."""
        document = self.collection.find_one({"state.grant.id": grant_id})
        return None if document is None else self.state(document)

    def grants_by_id(self, grant_ids: Iterable[str]) -> Mapping[str, Grant]:
        """Return the grants of these ids that exist, with one read."""
        wanted = list(grant_ids)
        if not wanted:
            return {}
        found = self.collection.find({"state.grant.id": {"$in": wanted}}, {"state.grant": True})
        grants = (wire.read(Grant, document["state"]["grant"]) for document in found)
        return {grant.id: grant for grant in grants}

    def due(self, now: datetime) -> Iterable[str]:
        """Return the ids of approvals that are due at `now`, shuffled.

        Several processes that sweep at once then begin with different ones.
        """
        by_now = {"$lte": format_timestamp(now)}
        waiting = [
            {"state.state": {"$in": sorted(PENDING)}, "state.expires_at": by_now},
            {"state.grant.state": GrantState.SCHEDULED, "state.grant.starts_at": by_now},
            {"state.grant.state": GrantState.ACTIVE, "state.grant.ends_at": by_now},
        ]
        found = self.collection.find({"$or": waiting}, projection={"_id": True}).limit(SWEEP_AT_ONCE)
        ids = [document["_id"] for document in found]
        random.shuffle(ids)
        return ids

    def queue(self, caller: Caller, query: ListQueue) -> tuple[Iterable[Approval], str | None]:
        """Return one part of the requests and extensions that wait for the caller, the first to end first."""
        in_open_stage = {
            "$elemMatch": {
                "opened_at": {"$ne": None},
                "closed_at": None,
                "groups.members": {"$in": [caller.email, *sorted(caller.roles)]},
            }
        }
        waiting = [
            {"state.state": {"$in": sorted(PENDING)}, STAGES: in_open_stage},
            {EXTENDED: {"$elemMatch": {"state": "PENDING", "deliberation.stages": in_open_stage}}},
        ]
        where = {"$and": [visible_to(caller), {"state.requester": {"$ne": caller.email}}, {"$or": waiting}]}
        pending = {"$in": ["$state.state", sorted(PENDING)]}
        until = {"until": {"$cond": [pending, "$state.expires_at", "$state.grant.ends_at"]}}
        return self._part(where, FIRST_TO_END, query, until)

    def opened_by_break_glass(self, caller: Caller, query: ListBreakGlass) -> tuple[Iterable[Approval], str | None]:
        """Return one part of the approvals that were opened by break-glass."""
        asked_for: list[Document] = [{"state.break_glass.opened_at": {"$type": "string"}}]
        if query.tenant is not None:
            asked_for.append({"state.tenant": query.tenant})
        if query.acknowledged is not None:
            known = {"$type": "string"} if query.acknowledged else None
            asked_for.append({"state.break_glass.acknowledged_at": known})
        where = {"$and": [visible_to(caller), *asked_for]}
        return self._part(where, NEWEST_BREAK_GLASS_FIRST, query)

    def grants(self, caller: Caller, query: ListGrants) -> tuple[Iterable[Approval], str | None]:
        """Return one part of the approvals with a grant that the caller may see, the newest grant first."""
        where: Document = {"state.grant": {"$ne": None}, **visible_to(caller)}
        if query.state is not None:
            where["state.grant.state"] = query.state
        if query.tenant is not None:
            where = {"$and": [where, {"state.tenant": query.tenant}]}
        return self._part(where, NEWEST_GRANT_FIRST, query)

    def revoked(self, now: datetime, since: datetime | None) -> Iterable[str]:
        """Return the ids of grants that were revoked or completed, and that would not have ended by `now`.

        With `since`, only those that ended since then.
        """
        ended = {"$in": [GrantState.REVOKED, GrantState.COMPLETED]}
        where: Document = {"state.grant.state": ended, "state.grant.ends_at": {"$gt": format_timestamp(now)}}
        if since is not None:
            where["state.grant.ended_at"] = {"$gte": format_timestamp(since)}
        return [document["state"]["grant"]["id"] for document in self.collection.find(where, {"state.grant.id": True})]

    def _part(
        self, where: Document, order: Order, page: Page, computed: Document | None = None
    ) -> tuple[Iterable[Approval], str | None]:
        documents, cursor = read_page(self.collection, where, order, page, computed)
        return [self.state(document) for document in documents], cursor


class PolicyStore(Aggregates[Policy, PolicyView]):
    """Policies of tenants."""

    name = "policies"
    noun = "tenant"
    endings = frozenset({PolicyChangeRejected.type})

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, Policy, PolicyView)

    def view(self, document: Document, state: Policy) -> PolicyView:
        """Return the view of a policy."""
        return as_policy_view(state)

    def existing(self, tenants: Iterable[str]) -> frozenset[str]:
        """Return those of these tenants that exist."""
        found = self.collection.find({"_id": {"$in": list(tenants)}}, {"_id": True})
        return frozenset(document["_id"] for document in found)


class KeyringStore(Aggregates[Keyring, KeyList]):
    """The keys that grants are signed with."""

    name = "keyrings"
    noun = "keyring"
    endings = frozenset({SigningKeyRevoked.type})

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, Keyring, KeyList)

    def view(self, document: Document, state: Keyring) -> KeyList:
        """Return the view of the keys for operators."""
        return state.as_list()


class DirectoryStore:
    """People and their roles, as the events of portal_service report them."""

    name = "members"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        self.collection = database[self.name]

    def ensure_indexes(self) -> None:
        """Ensure that the index exists."""
        self.collection.create_index([("organisation", ASCENDING)])

    def learn(self, person: Person, sequence: int) -> None:
        """Note a person's roles, unless something later is known."""
        known = {"organisation": person.organisation, "roles": sorted(person.roles), "sequence": sequence}
        keep_newer(self.collection, {"_id": person.email, **known}, "sequence")

    def of(self, *organisations: str) -> Iterable[Person]:
        """Return the people of some organisations."""
        found = self.collection.find({"organisation": {"$in": list(organisations)}})
        return [Person(one["_id"], one["organisation"], frozenset(one["roles"])) for one in found]


class AccessStore(Aggregates[AccessRecord, AccessRecorded]):
    """Attempts to use content."""

    name = "accesses"
    noun = "access"

    def __init__(self, database: Database[Document], relay: Relay) -> None:
        super().__init__(database, relay, AccessRecord, AccessRecorded)

    def view(self, document: Document, state: AccessRecord) -> AccessRecorded:
        """Return the answer to an enforcement point."""
        return AccessRecorded(access_id=state.access_id)

    def count_refused(self, refused: RefusedAccess, enforcement_point: str) -> None:
        """Count an access that is refused, and log it as an error."""
        REFUSED.labels(refused.code).inc()
        log.error("access %s of %s is refused: %s", refused.access_id, enforcement_point, refused.code)
