"""Operations on a grant."""

from dataclasses import dataclass

from lockbox.contracts.calls import APPROVAL, SIGNED_IN, Call
from lockbox.contracts.fields import Comment, IdempotencyKey, TenantName, Uuid
from lockbox.contracts.grant.terms import Confirmation, GrantState
from lockbox.contracts.grant.views import GrantPage, GrantReading, GrantView, SignedGrant
from lockbox.contracts.identity import VENDOR_ROLES, Role
from lockbox.contracts.page import Page


@dataclass(frozen=True, kw_only=True)
class RevokeGrant(
    Call[GrantView],
    service=APPROVAL,
    rest="POST /grants/{grant_id}/revoke",
    roles=(Role.VENDOR_APPROVER, Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN),
):
    """End a live grant now."""

    grant_id: Uuid
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class CompleteGrant(
    Call[GrantView],
    service=APPROVAL,
    rest="POST /grants/{grant_id}/complete",
    roles=(Role.ENGINEER,),
    only=VENDOR_ROLES,
):
    """Complete an own live grant before its end."""

    grant_id: Uuid
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class ListGrants(Page, Call[GrantPage], service=APPROVAL, rest="GET /grants", roles=SIGNED_IN):
    """List the grants that the caller may see, newest first."""

    tenant: TenantName | None = None
    state: GrantState | None = None


@dataclass(frozen=True, kw_only=True)
class GetGrant(Call[GrantReading], service=APPROVAL, rest="GET /grants/{grant_id}", roles=SIGNED_IN):
    """Read one grant."""

    grant_id: Uuid


@dataclass(frozen=True, kw_only=True)
class GetGrantToken(
    Call[SignedGrant], service=APPROVAL, rest="GET /grants/{grant_id}/token", roles=(Role.ENGINEER,), only=VENDOR_ROLES
):
    """Fetch the signed grant; only its own engineer can.

    It is bound to the key of the proof in the header `DPoP` (RFC 9449), or to a client certificate.
    """

    grant_id: Uuid
    confirmation: Confirmation
