"""Operations on a grant."""

from dataclasses import dataclass

from lockbox.contracts.calls import Call
from lockbox.contracts.fields import Comment, IdempotencyKey, TenantName, Uuid
from lockbox.contracts.grant.terms import Confirmation, GrantState
from lockbox.contracts.grant.views import GrantPage, GrantView, SignedGrant
from lockbox.contracts.page import Page


@dataclass(frozen=True, kw_only=True)
class RevokeGrant(Call[GrantView], service="approval_service"):
    """End a live grant now. Roles: vendor_approver, customer_approver, customer_admin."""

    grant_id: Uuid
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class CompleteGrant(Call[GrantView], service="approval_service"):
    """Close an own live grant early. Role: engineer."""

    grant_id: Uuid
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class ListGrants(Page, Call[GrantPage], service="approval_service"):
    """The grants that the caller may see, newest first."""

    tenant: TenantName | None = None
    state: GrantState | None = None


@dataclass(frozen=True, kw_only=True)
class GetGrant(Call[GrantView], service="approval_service"):
    """Read one grant."""

    grant_id: Uuid


@dataclass(frozen=True, kw_only=True)
class GetGrantToken(Call[SignedGrant], service="approval_service"):
    """Fetch the signed grant, bound to a key or a certificate. Only its own engineer can."""

    grant_id: Uuid
    confirmation: Confirmation
