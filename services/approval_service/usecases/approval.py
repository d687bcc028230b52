"""What approval_service does: one function for each use case.

Those about policies are in `governing`, about keys in `signing`, about enforcement points in `enforcing`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from approval_service.domain.approval import break_glass, decision, extension_steps, information
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.deliberation import Ballot
from approval_service.domain.policy.policy import Policy
from lockbox.contracts.acts import Act
from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    Decide,
    GetApproval,
    ListBreakGlass,
    ListQueue,
    RequestExtension,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.approval.views import ApprovalPage, ApprovalReading, ApprovalView
from lockbox.contracts.events import Cause, Changed, Event
from lockbox.contracts.grant.operations import CompleteGrant, GetGrant, GetGrantToken, ListGrants, RevokeGrant
from lockbox.contracts.grant.views import GrantPage, GrantView, SignedGrant
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.facts import InfoProvided, RequestCreated
from lockbox.crypto.tokens import GRANT_TOKEN, NamedKey, sign
from lockbox.errors import NotFound, Unavailable, invalid
from lockbox.faults import Expected

SERVICE = "approval_service"

Step = Callable[[Approval], Changed[Approval]]
Spread = Callable[[Callable[[str], object], Iterable[str]], object]
OnRequest = Decide | RequestInfo | CancelRequest | UseBreakGlass | AcknowledgeBreakGlass
OnGrant = RevokeGrant | CompleteGrant | RequestExtension


class Approvals(Protocol):
    """Where approvals are kept."""

    def find(self, key: str) -> Approval | None: ...  # noqa: D102
    def create(self, key: str, changed: Changed[Approval], act: Act) -> ApprovalView: ...  # noqa: D102
    def change(self, key: str, act: Act, step: Callable[[Approval], Changed[Approval]]) -> ApprovalView: ...  # noqa: D102
    def with_grant(self, grant_id: str) -> Approval | None: ...  # noqa: D102
    def due(self, now: datetime) -> Iterable[str]: ...  # noqa: D102
    def grants(self, caller: Caller, query: ListGrants) -> GrantPage: ...  # noqa: D102
    def queue(self, caller: Caller, query: ListQueue) -> tuple[Iterable[Approval], str | None]: ...  # noqa: D102
    def broken(self, caller: Caller, query: ListBreakGlass) -> tuple[Iterable[Approval], str | None]: ...  # noqa: D102


class Policies(Protocol):
    """Where policies are kept."""

    def find(self, key: str) -> Policy | None: ...  # noqa: D102


# --- the way of a request ------------------------------------------------------------------------------------------


def open_approval(
    approvals: Approvals, policies: Policies, event: Event, request: RequestCreated, now: datetime
) -> None:
    """Begin to decide a request under the policy in force."""
    policy = policies.find(request.tenant)
    if policy is None:
        raise Unavailable("policy_unknown", f"the policy of {request.tenant} has not arrived yet")
    approvals.create(request.request_id, Approval.open(request, policy, now), Act(event.cause(SERVICE), now))


def decide(approvals: Approvals, caller: Caller, command: Decide, now: datetime) -> ApprovalView:
    """Record an approver's yes or no."""
    ballot = Ballot(command.decision, command.request_digest, command.comment, command.changes)
    return _act(approvals, caller, command, now, lambda approval: decision.decide(approval, caller, ballot, now))


def request_info(approvals: Approvals, caller: Caller, command: RequestInfo, now: datetime) -> ApprovalView:
    """Ask the engineer for more."""
    return _act(approvals, caller, command, now, lambda one: information.ask(one, caller, command.question, now))


def receive_answer(approvals: Approvals, event: Event, answer: InfoProvided, now: datetime) -> None:
    """Take in what the engineer answered."""
    act = Act(event.cause(SERVICE), now)
    approvals.change(answer.request_id, act, lambda approval: information.receive_answer(approval, answer, now))


def cancel_request(approvals: Approvals, caller: Caller, command: CancelRequest, now: datetime) -> ApprovalView:
    """Take a request back."""
    return _act(approvals, caller, command, now, lambda one: one.cancel(caller, command.comment, now))


def use_break_glass(approvals: Approvals, caller: Caller, command: UseBreakGlass, now: datetime) -> ApprovalView:
    """Want access opened at once, or open it as the second one who does."""
    return _act(approvals, caller, command, now, lambda one: break_glass.use(one, caller, command.comment, now))


def acknowledge_break_glass(
    approvals: Approvals, caller: Caller, command: AcknowledgeBreakGlass, now: datetime
) -> ApprovalView:
    """Take note of access that was opened without the customer."""
    return _act(approvals, caller, command, now, lambda one: break_glass.acknowledge(one, caller, command.comment, now))


def get_approval(approvals: Approvals, caller: Caller, query: GetApproval) -> ApprovalReading:
    """Read the outcome of a request so far."""
    approval = approvals.find(query.request_id)
    if approval is None:
        raise NotFound("request_not_found", "there is no such request")
    caller.require_sight("request", approval.tenant, approval.requester)
    return decision.as_reading(approval, caller)


def list_queue(approvals: Approvals, caller: Caller, query: ListQueue) -> ApprovalPage:
    """List what waits for the caller's decision; a part can hold less than it may, as what was decided is left out."""
    page = _page(*approvals.queue(caller, query), caller)
    return replace(page, items=tuple(one for one in page.items if one.you.may_decide and one.you.said is None))


def list_break_glass(approvals: Approvals, caller: Caller, query: ListBreakGlass) -> ApprovalPage:
    """List access that was opened without the customer."""
    return _page(*approvals.broken(caller, query), caller)


def advance_due(approvals: Approvals, cause: Cause, now: datetime, spread: Spread) -> int:
    """Let time do its work: expire requests, start and end grants. Returns how many it looked at."""
    due = list(approvals.due(now))

    def advance(request_id: str) -> object:
        return approvals.change(request_id, Act(cause, now), lambda approval: approval.advance(now))

    spread(advance, due)
    return len(due)


# --- grants --------------------------------------------------------------------------------------------------------


def get_grant(approvals: Approvals, caller: Caller, query: GetGrant | GetGrantToken) -> GrantView:
    """Read one grant."""
    return _approval_with(approvals, caller, query.grant_id).granted()


def issue_token(
    approvals: Approvals, caller: Caller, query: GetGrantToken, key: NamedKey, now: datetime
) -> SignedGrant:
    """Sign a grant for its own engineer, as long as it can be used; for which key is on record."""
    approval = _approval_with(approvals, caller, query.grant_id)
    if caller.email != approval.requester:
        raise NotFound("grant_not_found", "there is no such grant of yours")
    bound_to = query.confirmation.claim()
    if not bound_to:
        raise invalid("confirmation", Expected("confirmation_required"), None)
    bound = Act(caller.cause(), now)
    approvals.change(approval.request_id, bound, lambda one: one.bind(query.confirmation, now))
    grant = approval.granted()
    return SignedGrant(grant_id=grant.id, token=sign(GRANT_TOKEN, grant.claims() | {"cnf": bound_to}, key))


def revoke_grant(approvals: Approvals, caller: Caller, command: RevokeGrant, now: datetime) -> GrantView:
    """End a live grant now."""
    return _granted(
        _act_on_grant(approvals, caller, command, now, lambda one: one.revoke(caller, command.comment, now))
    )


def complete_grant(approvals: Approvals, caller: Caller, command: CompleteGrant, now: datetime) -> GrantView:
    """Close an own live grant early."""
    return _granted(
        _act_on_grant(approvals, caller, command, now, lambda one: one.complete(caller, command.comment, now))
    )


def request_extension(approvals: Approvals, caller: Caller, command: RequestExtension, now: datetime) -> ApprovalView:
    """Ask for more time while an own grant is active."""

    def asked(approval: Approval) -> Changed[Approval]:
        return extension_steps.ask(approval, caller, command.duration, command.justification, now)

    return _act_on_grant(approvals, caller, command, now, asked)


def list_grants(approvals: Approvals, caller: Caller, query: ListGrants) -> GrantPage:
    """List the grants that the caller may see."""
    return approvals.grants(caller, query)


def _act(approvals: Approvals, caller: Caller, command: OnRequest, now: datetime, step: Step) -> ApprovalView:
    return approvals.change(command.request_id, Act.of(caller.cause(), command, now), step)


def _act_on_grant(approvals: Approvals, caller: Caller, command: OnGrant, now: datetime, step: Step) -> ApprovalView:
    request_id = _approval_with(approvals, caller, command.grant_id).request_id
    return approvals.change(request_id, Act.of(caller.cause(), command, now), step)


def _granted(view: ApprovalView) -> GrantView:
    if view.grant is None:
        raise NotFound("grant_not_found", "there is no such grant")
    return view.grant


def _approval_with(approvals: Approvals, caller: Caller, grant_id: str) -> Approval:
    approval = approvals.with_grant(grant_id)
    if approval is None:
        raise NotFound("grant_not_found", "there is no such grant")
    caller.require_sight("grant", approval.tenant, approval.requester)
    return approval


def _page(found: Iterable[Approval], next_cursor: str | None, caller: Caller) -> ApprovalPage:
    items = tuple(decision.as_reading(approval, caller) for approval in found)
    return ApprovalPage(items=items, next_cursor=next_cursor)
