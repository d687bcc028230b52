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
    """Approve, approve less, or deny, in the stage that is open: a request, or the extension of a grant.

    `request_digest` is the digest of the version that the approver was shown. The policy names the people of a stage.
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
    """Ask the engineer a question before deciding; the request goes on expiring."""

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
    """Cancel an own request while it is pending."""

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
    """Ask for access at once, where the policy allows it; the second approver that asks opens it."""

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
    """Acknowledge access that was opened without the customer's approval."""

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
    """Ask for more time while an own grant is active; the same stages decide, and access goes on meanwhile."""

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
    """List the requests and extensions that wait for the caller's decision; the next to end comes first."""


@dataclass(frozen=True, kw_only=True)
class ListBreakGlass(
    Page, Call[ApprovalPage], service=APPROVAL, rest="GET /tenants/{tenant}/break-glass", roles=SIGNED_IN
):
    """List access that was opened without the customer, newest first; `acknowledged` selects by its state."""

    tenant: TenantName | None = None
    acknowledged: bool | None = None
