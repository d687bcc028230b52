"""What approval_service does: one function for each use case."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from approval_service.domain.access import Access
from approval_service.domain.approval import Approval
from approval_service.domain.policy import Policy
from lockbox.contracts.acts import Act
from lockbox.contracts.approval import (
    AccessRecorded,
    ApprovalView,
    CancelRequest,
    CompleteGrant,
    Decide,
    GetApproval,
    GetGrant,
    GetGrantToken,
    GetPolicy,
    GrantPage,
    GrantView,
    KeySet,
    ListGrants,
    PolicyView,
    PutPolicy,
    RecordAccess,
    RevocationList,
    RevokeGrant,
    SignedGrant,
)
from lockbox.contracts.events import Cause, Changed, Event
from lockbox.contracts.identity import Caller
from lockbox.contracts.portal import MemberAdded
from lockbox.contracts.request import RequestCreated
from lockbox.crypto.keys import SigningKey
from lockbox.crypto.tokens import GRANT_TOKEN, sign
from lockbox.errors import Invalid, NotFound, Unavailable

SERVICE = "approval_service"

Step = Callable[[Approval], Changed[Approval]]


class Approvals(Protocol):
    """Where approvals are kept."""

    def find(self, key: str) -> Approval | None: ...  # noqa: D102
    def create(self, key: str, changed: Changed[Approval], act: Act) -> ApprovalView: ...  # noqa: D102
    def change(self, key: str, act: Act, step: Callable[[Approval], Changed[Approval]]) -> ApprovalView: ...  # noqa: D102
    def with_grant(self, grant_id: str) -> Approval | None: ...  # noqa: D102
    def due(self, now: datetime) -> Iterable[str]: ...  # noqa: D102
    def grants(self, caller: Caller, query: ListGrants) -> GrantPage: ...  # noqa: D102
    def revoked(self, now: datetime) -> Iterable[str]: ...  # noqa: D102


class Policies(Protocol):
    """Where policies are kept."""

    def find(self, key: str) -> Policy | None: ...  # noqa: D102
    def create(self, key: str, changed: Changed[Policy], act: Act) -> PolicyView: ...  # noqa: D102
    def change(self, key: str, act: Act, step: Callable[[Policy], Changed[Policy]]) -> PolicyView: ...  # noqa: D102


class Accesses(Protocol):
    """Where attempts to use content are kept."""

    def create(self, key: str, changed: Changed[Access], act: Act) -> AccessRecorded: ...  # noqa: D102


def welcome_tenant(policies: Policies, event: Event, member: MemberAdded, now: datetime) -> None:
    """Give a tenant its first policy when its first member is named."""
    if member.tenant is not None:
        act = Act(event.cause(SERVICE), now)
        policies.create(member.tenant, Policy.first(member.tenant, SERVICE, now), act)


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
    return approvals.change(
        command.request_id,
        Act.of(caller.cause(), command, now),
        lambda approval: approval.decide(caller, command.decision, command.comment, now),
    )


def cancel_request(approvals: Approvals, caller: Caller, command: CancelRequest, now: datetime) -> ApprovalView:
    """Take a request back."""
    return approvals.change(
        command.request_id,
        Act.of(caller.cause(), command, now),
        lambda approval: approval.cancel(caller, command.comment, now),
    )


def get_approval(approvals: Approvals, caller: Caller, query: GetApproval) -> ApprovalView:
    """Read the outcome of a request so far."""
    approval = approvals.find(query.request_id)
    if approval is None:
        raise NotFound("request_not_found", "there is no such request")
    caller.require_sight("request", approval.tenant, approval.requester)
    return approval


def get_grant(approvals: Approvals, caller: Caller, query: GetGrant | GetGrantToken) -> GrantView:
    """Read one grant."""
    return _approval_with(approvals, caller, query.grant_id).granted()


def issue_token(
    approvals: Approvals, caller: Caller, query: GetGrantToken, key: SigningKey, now: datetime
) -> SignedGrant:
    """Sign a grant for its own engineer, as long as it can be used."""
    grant = _approval_with(approvals, caller, query.grant_id).advance(now).state.granted()
    if caller.email != grant.requester:
        raise NotFound("grant_not_found", "there is no such grant of yours")
    grant.require_live()
    return SignedGrant(grant_id=grant.id, token=sign(GRANT_TOKEN, grant.claims(), key))


def revoke_grant(approvals: Approvals, caller: Caller, command: RevokeGrant, now: datetime) -> GrantView:
    """End a live grant now."""
    return _end(approvals, caller, command, now, lambda approval: approval.revoke(caller, command.comment, now))


def complete_grant(approvals: Approvals, caller: Caller, command: CompleteGrant, now: datetime) -> GrantView:
    """Close an own live grant early."""
    return _end(approvals, caller, command, now, lambda approval: approval.complete(caller, command.comment, now))


def list_grants(approvals: Approvals, caller: Caller, query: ListGrants) -> GrantPage:
    """List the grants that the caller may see."""
    return approvals.grants(caller, query)


def list_revocations(approvals: Approvals, now: datetime) -> RevocationList:
    """List the grants that somebody ended and whose tokens would still verify."""
    return RevocationList(as_of=now, grant_ids=tuple(approvals.revoked(now)))


def get_keys(key: SigningKey) -> KeySet:
    """Publish the public keys that grants are signed with."""
    return KeySet(keys=(key.jwk,))


def get_policy(policies: Policies, caller: Caller, query: GetPolicy) -> PolicyView:
    """Read a tenant's policy."""
    policy = policies.find(query.tenant)
    if policy is None or not (caller.is_vendor or caller.organisation == query.tenant):
        raise NotFound("tenant_not_found", "there is no such tenant")
    return policy


def put_policy(policies: Policies, caller: Caller, command: PutPolicy, now: datetime) -> PolicyView:
    """Replace a tenant's policy."""
    if caller.organisation != command.tenant:
        raise NotFound("tenant_not_found", "there is no such tenant")
    return policies.change(
        command.tenant,
        Act.of(caller.cause(), command, now),
        lambda policy: policy.change(command.settings, command.version, caller.email, now),
    )


def record_access(
    accesses: Accesses, policies: Policies, caller: Caller, attempt: RecordAccess, now: datetime
) -> AccessRecorded:
    """Put one attempt to use content on record."""
    if policies.find(attempt.tenant) is None:
        raise Invalid("tenant_unknown", f"tenant: there is no tenant {attempt.tenant!r}")
    return accesses.create(attempt.access_id, Access.record(attempt, caller.email), Act(caller.cause(), now))


def advance_due(approvals: Approvals, cause: Cause, now: datetime) -> int:
    """Let time do its work: expire requests, start and end grants. Returns how many it looked at."""
    due = list(approvals.due(now))
    for request_id in due:
        approvals.change(request_id, Act(cause, now), lambda approval: approval.advance(now))
    return len(due)


def _end(
    approvals: Approvals, caller: Caller, command: RevokeGrant | CompleteGrant, now: datetime, step: Step
) -> GrantView:
    request_id = _approval_with(approvals, caller, command.grant_id).request_id
    view = approvals.change(request_id, Act.of(caller.cause(), command, now), step)
    if view.grant is None:
        raise NotFound("grant_not_found", "there is no such grant")
    return view.grant


def _approval_with(approvals: Approvals, caller: Caller, grant_id: str) -> Approval:
    approval = approvals.with_grant(grant_id)
    if approval is None:
        raise NotFound("grant_not_found", "there is no such grant")
    caller.require_sight("grant", approval.tenant, approval.requester)
    return approval
