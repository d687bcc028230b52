"""Use cases of grants: read, sign, end, extend."""

from datetime import datetime

from approval_service.domain.approval import gate, views
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.present import Present
from approval_service.usecases.approval import Approvals
from lockbox.contracts.acts import Act
from lockbox.contracts.approval.operations import RequestExtension
from lockbox.contracts.approval.views import ApprovalView
from lockbox.contracts.grant.operations import CompleteGrant, GetGrant, GetGrantToken, ListGrants, RevokeGrant
from lockbox.contracts.grant.views import GrantPage, GrantReading, GrantView, SignedGrant
from lockbox.contracts.identity import Caller
from lockbox.crypto.tokens import GRANT_TOKEN, NamedKey, sign
from lockbox.errors import NotFound


def get_grant(approvals: Approvals, caller: Caller, query: GetGrant, now: datetime) -> GrantReading:
    """Read one grant."""
    approval = _approval_with(approvals, query.grant_id)
    gate.require(GetGrant, approval, caller, now)
    return views.as_grant_reading(approval, caller, now)


def list_grants(approvals: Approvals, caller: Caller, query: ListGrants, now: datetime) -> GrantPage:
    """List the grants that the caller may see."""
    found, next_cursor = approvals.grants(caller, query)
    items = tuple(views.as_grant_reading(approval, caller, now) for approval in found)
    return GrantPage(items=items, next_cursor=next_cursor)


def get_grant_token(
    approvals: Approvals, caller: Caller, query: GetGrantToken, key: NamedKey, present: Present
) -> SignedGrant:
    """Sign a live grant for its own engineer, and put on record the key that it is bound to."""
    approval = _approval_with(approvals, query.grant_id)
    act = Act(caller.cause(), present.now)
    approvals.change(approval.request_id, act, lambda one: gate.perform(one, caller, query, present))
    grant = approval.granted()
    claims = grant.claims() | {"cnf": query.confirmation.claim()}
    return SignedGrant(grant_id=grant.id, token=sign(GRANT_TOKEN, claims, key))


def end_grant(
    approvals: Approvals, caller: Caller, command: RevokeGrant | CompleteGrant, present: Present
) -> GrantView:
    """End a live grant: revoke it, or complete an own one."""
    view = _perform(approvals, caller, command, present)
    if view.grant is None:
        raise NotFound("grant_not_found", "there is no such grant")
    return view.grant


def request_extension(
    approvals: Approvals, caller: Caller, command: RequestExtension, present: Present
) -> ApprovalView:
    """Ask for more time while an own grant is active."""
    return _perform(approvals, caller, command, present)


def _perform(
    approvals: Approvals, caller: Caller, command: RevokeGrant | CompleteGrant | RequestExtension, present: Present
) -> ApprovalView:
    request_id = _approval_with(approvals, command.grant_id).request_id
    act = Act.of(caller.cause(), command, present.now)
    return approvals.change(request_id, act, lambda one: gate.perform(one, caller, command, present))


def _approval_with(approvals: Approvals, grant_id: str) -> Approval:
    approval = approvals.with_grant(grant_id)
    if approval is None:
        raise NotFound("grant_not_found", "there is no such grant")
    return approval
