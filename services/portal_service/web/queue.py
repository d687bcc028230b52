"""My queue: what waits for whoever is signed in, and what that person asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.approval import GetApproval, GetPolicy, GrantView, PolicyView
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.request import PENDING, ListRequests, RequestPage, RequestState, RequestView
from lockbox.errors import NotFound
from portal_service.edge import caller, edge
from portal_service.web.grants import live_grants
from portal_service.web.layout import DECIDERS, READERS
from portal_service.web.requests import PAGE_SIZE

LONGEST = 50

blueprint = Blueprint("queue", __name__)


@dataclass(frozen=True)
class Queue:
    """What somebody starts the day with; `waiting` and `own` are None for those who don't decide or don't ask.

    `decided` holds the ids of waiting requests that need others' approvals beside the one that this person gave.
    """

    waiting: RequestPage | None
    decided: frozenset[str]
    own: RequestPage | None
    live: Sequence[GrantView]
    pending: int
    policy: PolicyView | None

    @property
    def next_expiry(self) -> datetime | None:
        """When the first of the waiting requests expires, if all of them are at hand."""
        if self.waiting is None or self.waiting.next_cursor:
            return None
        return min((item.expires_at for item in self.waiting.items), default=None)


@blueprint.get("/")
def start() -> ResponseReturnValue:
    """Go to the queue."""
    return redirect(url_for(".show_queue"))


@blueprint.get("/queue")
def show_queue() -> ResponseReturnValue:
    """Show what waits."""
    query = request.args.to_dict()
    return render_template("queue.html", queue=_queue(caller(), query.get("cursor")), query=query)


def _queue(person: Caller, cursor: str | None) -> Queue:
    policy = None if person.is_vendor else edge().call(GetPolicy(tenant=person.organisation))
    waiting = _waiting(person, cursor) if person.has(*DECIDERS) else None
    own = edge().call(ListRequests(requester=person.email, limit=PAGE_SIZE)) if person.has(Role.ENGINEER) else None
    live = live_grants() if person.has(*READERS) else []
    decided = _decided(person, waiting.items) if waiting and not person.is_vendor else frozenset()
    return Queue(waiting, decided, own, live, _pending(person, own), policy)


def _waiting(person: Caller, cursor: str | None) -> RequestPage:
    """One part of what waits; in it, what expires first comes first."""
    state = RequestState.PENDING_VENDOR if person.is_vendor else RequestState.PENDING_CUSTOMER
    query = {"state": state, "limit": LONGEST, **({"cursor": cursor} if cursor else {})}
    page = edge().call(wire.decode(ListRequests, query))
    return replace(page, items=tuple(sorted(page.items, key=lambda item: item.expires_at)))


def _decided(person: Caller, waiting: Sequence[RequestView]) -> frozenset[str]:
    """The vendor's stage ends with its first decision, the customer's with as many as the policy asked for."""
    return frozenset(item.id for item in waiting if person.email in _approvers(item.id))


def _approvers(request_id: str) -> set[str]:
    try:
        return {decision.approver for decision in edge().call(GetApproval(request_id=request_id)).decisions}
    except NotFound:
        return set()


def _pending(person: Caller, own: RequestPage | None) -> int:
    """How many requests are open: one's own, or all that an onlooker sees."""
    if own is not None:
        return sum(item.state in PENDING for item in own.items)
    if person.has(*DECIDERS) or not person.has(*READERS):
        return 0
    return sum(len(edge().call(ListRequests(state=state, limit=200)).items) for state in sorted(PENDING))
