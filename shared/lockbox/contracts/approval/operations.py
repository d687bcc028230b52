"""Operations on an approval."""

from dataclasses import dataclass, field

from lockbox.contracts.approval.terms import Changes, Verdict
from lockbox.contracts.approval.views import ApprovalPage, ApprovalReading, ApprovalView
from lockbox.contracts.calls import Call
from lockbox.contracts.fields import Comment, Duration, Flag, IdempotencyKey, Justification, TenantName, Uuid
from lockbox.contracts.page import Page
from lockbox.contracts.request.terms import longer_than_zero


@dataclass(frozen=True, kw_only=True)
class Decide(Call[ApprovalView], service="approval_service"):
    """Say yes or no, for the stage that is open, to what has this digest. Roles: who the policy says.

    Where a grant is active and its extension is asked for, the decision is on the extension.
    """

    request_id: Uuid
    request_digest: str
    decision: Verdict
    comment: Comment = ""
    changes: Changes | None = None
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class RequestInfo(Call[ApprovalView], service="approval_service"):
    """Ask the engineer for more, before deciding. Roles: whoever could decide now."""

    request_id: Uuid
    question: Justification
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class CancelRequest(Call[ApprovalView], service="approval_service"):
    """Take an own request back. Role: engineer."""

    request_id: Uuid
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class UseBreakGlass(Call[ApprovalView], service="approval_service"):
    """Want access opened at once; the second approver who does opens it. Role: vendor_approver."""

    request_id: Uuid
    comment: Justification
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class AcknowledgeBreakGlass(Call[ApprovalView], service="approval_service"):
    """Take note of access that was opened without one's approval. Roles: customer_approver, customer_admin."""

    request_id: Uuid
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class RequestExtension(Call[ApprovalView], service="approval_service"):
    """Ask for more time while an own grant is active. Role: engineer."""

    grant_id: Uuid
    duration: Duration = field(metadata=longer_than_zero())
    justification: Justification
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class GetApproval(Call[ApprovalReading], service="approval_service"):
    """Read the outcome of a request so far."""

    request_id: Uuid


@dataclass(frozen=True, kw_only=True)
class ListQueue(Page, Call[ApprovalPage], service="approval_service"):
    """What waits for the caller's decision, what ends first at the top: requests, and extensions of running access."""


@dataclass(frozen=True, kw_only=True)
class ListBreakGlass(Page, Call[ApprovalPage], service="approval_service"):
    """Access that was opened without the customer, newest first; with `acknowledged`, only what is, or is not, yet."""

    tenant: TenantName | None = None
    acknowledged: Flag | None = None
