"""My queue: the decisions that wait for a person, and the person's own requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.contracts.approval.operations import AcknowledgeBreakGlass, Decide, ListBreakGlass, ListQueue
from lockbox.contracts.approval.views import ApprovalReading, OpenDecision
from lockbox.contracts.grant.views import GrantView
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.operations import GetPolicy
from lockbox.contracts.policy.views import PolicyView
from lockbox.contracts.request.operations import CreateRequest, ListRequests
from lockbox.contracts.request.terms import PENDING
from lockbox.contracts.request.views import RequestPage
from portal_service.edge import caller, edge
from portal_service.web.pages.grants import live_grants
from portal_service.web.pages.requests import PAGE_SIZE
from portal_service.web.shell.permission import sees_requests
from portal_service.web.views.open_decision import extension_of

LONGEST = 50

blueprint = Blueprint("queue", __name__)


@dataclass(frozen=True)
class WaitingDecision:
    """A decision that waits for this person; `asked_at` is when the request, or its extension, was asked for."""

    reading: ApprovalReading
    open: OpenDecision
    asked_at: datetime


@dataclass(frozen=True)
class Queue:
    """The content of the page.

    `waiting` is None for a person whose roles decide on nothing, `own` for one whose roles ask for nothing.
    `unacknowledged` is the access that was opened without the customer and is not acknowledged. `reads` tells whether
    the person can see requests at all.
    """

    unacknowledged: Sequence[ApprovalReading]
    waiting: Sequence[WaitingDecision] | None
    next_cursor: str | None
    own: RequestPage | None
    live: Sequence[GrantView]
    pending: int
    policy: PolicyView | None
    reads: bool

    @property
    def next_expiry(self) -> datetime | None:
        """Return the time at which the first of the waiting decisions lapses."""
        return next((item.open.ends_at for item in self.waiting or ()), None)


@blueprint.get("/")
def start() -> ResponseReturnValue:
    """Redirect to the queue."""
    return redirect(url_for(".show_queue"))


@blueprint.get("/queue")
def show_queue() -> ResponseReturnValue:
    """Show the waiting decisions and the own requests."""
    query = request.args.to_dict()
    return render_template("queue.html", queue=_queue(caller(), query.get("cursor")), query=query)


def _queue(person: Caller, cursor: str | None) -> Queue:
    policy = None if person.is_vendor else edge().call(GetPolicy(tenant=person.organisation))
    waiting, next_cursor = _waiting(cursor) if Decide.admits(person) else (None, None)
    own = None
    if CreateRequest.admits(person):
        own = edge().call(ListRequests(requester=person.email, limit=PAGE_SIZE))
    reads = sees_requests(person)
    return Queue(
        unacknowledged=_unacknowledged(person),
        waiting=waiting,
        next_cursor=next_cursor,
        own=own,
        live=live_grants() if reads else [],
        pending=_pending(person, own),
        policy=policy,
        reads=reads,
    )


def _unacknowledged(person: Caller) -> Sequence[ApprovalReading]:
    if not AcknowledgeBreakGlass.admits(person):
        return ()
    return edge().call(ListBreakGlass(tenant=person.organisation, acknowledged=False, limit=LONGEST)).items


def _waiting(cursor: str | None) -> tuple[list[WaitingDecision], str | None]:
    """Return one part of the decisions that wait, the one that lapses first at the top."""
    page = edge().call(wire.decode(ListQueue, {"limit": LONGEST, **({"cursor": cursor} if cursor else {})}))
    return [_decision(one, one.open) for one in page.items if one.open], page.next_cursor


def _decision(reading: ApprovalReading, open_decision: OpenDecision) -> WaitingDecision:
    extension = extension_of(reading)
    return WaitingDecision(reading, open_decision, extension.asked_at if extension else reading.created_at)


def _pending(person: Caller, own: RequestPage | None) -> int:
    """Return the number of pending requests: the own ones, or all that an onlooker sees."""
    if own is not None:
        return sum(item.state in PENDING for item in own.items)
    if Decide.admits(person) or not sees_requests(person):
        return 0
    return sum(len(edge().call(ListRequests(state=state, limit=200)).items) for state in sorted(PENDING))
