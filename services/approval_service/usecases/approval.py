"""Use cases of approvals: the way of a request from its arrival to its outcome."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from approval_service.domain.approval import answer as answers
from approval_service.domain.approval import gate, views
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.present import Present
from approval_service.usecases.policy import Policies, in_force
from lockbox.contracts.acts import Act
from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    Decide,
    GetApproval,
    ListBreakGlass,
    ListQueue,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.approval.views import ApprovalPage, ApprovalReading, ApprovalView
from lockbox.contracts.calls import APPROVAL
from lockbox.contracts.events import Cause, Changed, Event
from lockbox.contracts.grant.operations import ListGrants
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.facts import InfoProvided, RequestCreated
from lockbox.errors import NotFound

Spread = Callable[[Callable[[str], object], Iterable[str]], object]
OnRequest = Decide | RequestInfo | CancelRequest | UseBreakGlass | AcknowledgeBreakGlass
Part = tuple[Iterable[Approval], str | None]
"""One part of a list, and the cursor of the next one."""


class Approvals(Protocol):
    """The store of approvals."""

    def find(self, key: str) -> Approval | None: ...  # noqa: D102
    def create(self, key: str, changed: Changed[Approval], act: Act) -> ApprovalView: ...  # noqa: D102
    def change(self, key: str, act: Act, step: Callable[[Approval], Changed[Approval]]) -> ApprovalView: ...  # noqa: D102
    def with_grant(self, grant_id: str) -> Approval | None: ...  # noqa: D102
    def due(self, now: datetime) -> Iterable[str]: ...  # noqa: D102
    def grants(self, caller: Caller, query: ListGrants) -> Part: ...  # noqa: D102
    def queue(self, caller: Caller, query: ListQueue) -> Part: ...  # noqa: D102
    def opened_by_break_glass(self, caller: Caller, query: ListBreakGlass) -> Part: ...  # noqa: D102


def open_approval(
    approvals: Approvals, policies: Policies, event: Event, request: RequestCreated, now: datetime
) -> None:
    """Open the approval of a new request under the policy in force."""
    policy = in_force(policies)(request.tenant)
    approvals.create(request.request_id, Approval.open(request, policy, now), Act(event.cause(APPROVAL), now))


def receive_answer(approvals: Approvals, event: Event, answer: InfoProvided, now: datetime) -> None:
    """Note the engineer's answer to a question."""
    act = Act(event.cause(APPROVAL), now)
    approvals.change(answer.request_id, act, lambda approval: answers.receive(approval, answer, now))


def advance_due(approvals: Approvals, cause: Cause, now: datetime, spread: Spread) -> int:
    """Expire requests, start and end grants that are due; return the number of approvals looked at."""
    due = list(approvals.due(now))

    def advance(request_id: str) -> object:
        return approvals.change(request_id, Act(cause, now), lambda approval: approval.advance(now))

    spread(advance, due)
    return len(due)


def perform(approvals: Approvals, caller: Caller, command: OnRequest, present: Present) -> ApprovalView:
    """Perform an operation on a request, behind the gate."""
    act = Act.of(caller.cause(), command, present.now)
    return approvals.change(command.request_id, act, lambda one: gate.perform(one, caller, command, present))


def get_approval(approvals: Approvals, caller: Caller, query: GetApproval, present: Present) -> ApprovalReading:
    """Read the outcome of a request so far, and the effect that an approval would have now."""
    approval = approvals.find(query.request_id)
    if approval is None:
        raise NotFound("request_not_found", "there is no such request")
    gate.require(GetApproval, approval, caller, present.now)
    return views.with_effect(views.as_reading(approval, caller, present.now), approval, present)


def list_queue(approvals: Approvals, caller: Caller, query: ListQueue, now: datetime) -> ApprovalPage:
    """List the requests and extensions that wait for the caller's vote; a part may hold fewer than its limit."""
    page = _page(approvals.queue(caller, query), caller, now)
    waiting = (one for one in page.items if one.you.allows(Decide.method) and one.you.said is None)
    return replace(page, items=tuple(waiting))


def list_break_glass(approvals: Approvals, caller: Caller, query: ListBreakGlass, now: datetime) -> ApprovalPage:
    """List the access that was opened by break-glass."""
    return _page(approvals.opened_by_break_glass(caller, query), caller, now)


def _page(part: Part, caller: Caller, now: datetime) -> ApprovalPage:
    found, next_cursor = part
    items = tuple(views.as_reading(approval, caller, now) for approval in found)
    return ApprovalPage(items=items, next_cursor=next_cursor)
