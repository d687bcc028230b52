"""Operations on a policy."""

from dataclasses import dataclass
from typing import Literal

from lockbox.contracts.calls import APPROVAL, Call
from lockbox.contracts.fields import Comment, Count, Email, IdempotencyKey, TenantName, Timestamp
from lockbox.contracts.identity import CUSTOMER_ROLES, Role
from lockbox.contracts.policy.document import PolicySettings
from lockbox.contracts.policy.views import Forecast, PolicyDiff, PolicyView
from lockbox.contracts.request.terms import TermsAsked


@dataclass(frozen=True, kw_only=True)
class GetPolicy(
    Call[PolicyView],
    service=APPROVAL,
    rest="GET /tenants/{tenant}/policy",
    roles=(Role.VENDOR_APPROVER, Role.VENDOR_AUDITOR, *sorted(CUSTOMER_ROLES)),
):
    """Read a tenant's policy."""

    tenant: TenantName


@dataclass(frozen=True, kw_only=True)
class PutPolicy(
    Call[PolicyView],
    service=APPROVAL,
    rest="PUT /tenants/{tenant}/policy",
    roles=(Role.CUSTOMER_ADMIN,),
    only=CUSTOMER_ROLES,
):
    """Replace a tenant's policy; where four eyes are required, propose it, which is answered with 202.

    With `version`, the policy is replaced only if that version is in force.
    """

    tenant: TenantName
    settings: PolicySettings
    version: Count | None = None
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class DiffPolicy(
    Call[PolicyDiff],
    service=APPROVAL,
    rest="POST /tenants/{tenant}/policy/diff",
    roles=(Role.CUSTOMER_ADMIN,),
    only=CUSTOMER_ROLES,
):
    """Check a policy in full and list the changes that it would make; nothing is changed."""

    tenant: TenantName
    settings: PolicySettings


@dataclass(frozen=True, kw_only=True)
class DecidePolicyChange(
    Call[PolicyView],
    service=APPROVAL,
    rest="POST /tenants/{tenant}/policy/proposal",
    roles=(Role.CUSTOMER_ADMIN,),
    only=CUSTOMER_ROLES,
):
    """Agree to a proposed policy, as another administrator, or reject it."""

    tenant: TenantName
    digest: str
    decision: Literal["agree", "reject"]
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class EvaluatePolicy(
    Call[Forecast],
    service=APPROVAL,
    rest="POST /tenants/{tenant}/policy/evaluate",
    roles=(Role.VENDOR_APPROVER, Role.VENDOR_AUDITOR, *sorted(CUSTOMER_ROLES)),
):
    """Evaluate a request under a policy: the stages, the people, the automatic outcome, and the reasons.

    The policy is the one in force, or the one that is sent.
    """

    tenant: TenantName
    terms: TermsAsked
    requester: Email = "somebody@vendor.invalid"
    at: Timestamp | None = None
    settings: PolicySettings | None = None
