"""Operations on an approval."""

from dataclasses import dataclass, field

from lockbox.contracts.approval.terms import Changes, Verdict
from lockbox.contracts.approval.views import ApprovalPage, ApprovalReading, ApprovalView
from lockbox.contracts.calls import APPROVAL, NO_ROUTE, SIGNED_IN, Call
from lockbox.contracts.fields import Comment, Duration, IdempotencyKey, Justification, TenantName, Uuid
from lockbox.contracts.identity import CUSTOMER_ROLES, VENDOR_ROLES, Role
from lockbox.contracts.page import Page
from lockbox.contracts.policy.document import DECIDERS
from lockbox.contracts.request.terms import longer_than_zero


@dataclass(frozen=True, kw_only=True)
class Decide(
    Call[ApprovalView], service=APPROVAL, rest="POST /requests/{request_id}/decisions", roles=DECIDERS, status=201
):
    """Say yes or no, for the stage that is open, to what has this digest.

    Where a grant is active and its extension is asked for, the decision is on the extension.
    """

    request_id: Uuid
    request_digest: str
    decision: Verdict
    comment: Comment = ""
    changes: Changes | None = None
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class RequestInfo(
    Call[ApprovalView], service=APPROVAL, rest="POST /requests/{request_id}/info-requests", roles=DECIDERS, status=201
):
    """Ask the engineer for more, before deciding."""

    request_id: Uuid
    question: Justification
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class CancelRequest(
    Call[ApprovalView],
    service=APPROVAL,
    rest="POST /requests/{request_id}/cancel",
    roles=(Role.ENGINEER,),
    only=VENDOR_ROLES,
):
    """Take an own request back."""

    request_id: Uuid
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class UseBreakGlass(
    Call[ApprovalView],
    service=APPROVAL,
    rest="POST /requests/{request_id}/break-glass",
    roles=(Role.VENDOR_APPROVER,),
    only=VENDOR_ROLES,
):
    """Want access opened at once; the second approver who does opens it."""

    request_id: Uuid
    comment: Justification
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class AcknowledgeBreakGlass(
    Call[ApprovalView],
    service=APPROVAL,
    rest="POST /requests/{request_id}/break-glass/acknowledge",
    roles=(Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN),
    only=CUSTOMER_ROLES,
):
    """Take note of access that was opened without one's approval."""

    request_id: Uuid
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class RequestExtension(
    Call[ApprovalView],
    service=APPROVAL,
    rest="POST /grants/{grant_id}/extensions",
    roles=(Role.ENGINEER,),
    only=VENDOR_ROLES,
    status=201,
):
    """Ask for more time while an own grant is active."""

    grant_id: Uuid
    duration: Duration = field(metadata=longer_than_zero())
    justification: Justification
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class GetApproval(Call[ApprovalReading], service=APPROVAL, rest=NO_ROUTE, roles=SIGNED_IN):
    """Read the outcome of a request so far."""

    request_id: Uuid


@dataclass(frozen=True, kw_only=True)
class ListQueue(Page, Call[ApprovalPage], service=APPROVAL, rest="GET /queue", roles=SIGNED_IN):
    """What waits for the caller's decision, what ends first at the top: requests, and extensions of running access."""


@dataclass(frozen=True, kw_only=True)
class ListBreakGlass(
    Page, Call[ApprovalPage], service=APPROVAL, rest="GET /tenants/{tenant}/break-glass", roles=SIGNED_IN
):
    """Access that was opened without the customer, newest first; with `acknowledged`, only what is, or is not, yet."""

    tenant: TenantName | None = None
    acknowledged: bool | None = None
