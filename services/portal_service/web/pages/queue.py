"""My queue: what waits for whoever is signed in, and what that person asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.approval.operations import ListBreakGlass, ListQueue
from lockbox.contracts.approval.views import ApprovalReading
from lockbox.contracts.grant.views import GrantView
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.operations import GetPolicy
from lockbox.contracts.policy.views import PolicyView
from lockbox.contracts.request.operations import ListRequests
from lockbox.contracts.request.terms import PENDING
from lockbox.contracts.request.views import RequestPage
from portal_service.edge import caller, edge
from portal_service.web.pages.grants import live_grants
from portal_service.web.pages.requests import PAGE_SIZE
from portal_service.web.shell.layout import DECIDERS, READERS
from portal_service.web.views.matter import Matter, matter_of

LONGEST = 50
ACKNOWLEDGERS = (Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN)

blueprint = Blueprint("queue", __name__)


@dataclass(frozen=True)
class Waiting:
    """A request, or an extension, that waits for this person's decision."""

    reading: ApprovalReading
    matter: Matter


@dataclass(frozen=True)
class Queue:
    """What somebody starts the day with; `waiting` and `own` are None for those who don't decide or don't ask.

    `broken` is the access that was opened without the customer and that nobody has acknowledged.
    """

    broken: Sequence[ApprovalReading]
    waiting: Sequence[Waiting] | None
    next_cursor: str | None
    own: RequestPage | None
    live: Sequence[GrantView]
    pending: int
    policy: PolicyView | None

    @property
    def next_expiry(self) -> datetime | None:
        """When the first of what waits expires."""
        return next((item.matter.expires_at for item in self.waiting or ()), None)


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
    waiting, next_cursor = _waiting(cursor) if person.has(*DECIDERS) else (None, None)
    own = edge().call(ListRequests(requester=person.email, limit=PAGE_SIZE)) if person.has(Role.ENGINEER) else None
    live = live_grants() if person.has(*READERS) else []
    return Queue(_broken(person), waiting, next_cursor, own, live, _pending(person, own), policy)


def _broken(person: Caller) -> Sequence[ApprovalReading]:
    if not person.has(*ACKNOWLEDGERS):
        return ()
    return edge().call(ListBreakGlass(tenant=person.organisation, acknowledged=False, limit=LONGEST)).items


def _waiting(cursor: str | None) -> tuple[list[Waiting], str | None]:
    """One part of what waits, what ends first at the top."""
    page = edge().call(wire.decode(ListQueue, {"limit": LONGEST, **({"cursor": cursor} if cursor else {})}))
    matters = [(reading, matter_of(reading)) for reading in page.items]
    return [Waiting(reading, matter) for reading, matter in matters if matter], page.next_cursor


def _pending(person: Caller, own: RequestPage | None) -> int:
    """How many requests are open: one's own, or all that an onlooker sees."""
    if own is not None:
        return sum(item.state in PENDING for item in own.items)
    if person.has(*DECIDERS) or not person.has(*READERS):
        return 0
    return sum(len(edge().call(ListRequests(state=state, limit=200)).items) for state in sorted(PENDING))
