"""Operations on a policy."""

from dataclasses import dataclass
from typing import Literal

from lockbox.contracts.calls import APPROVAL, SIGNED_IN, Call
from lockbox.contracts.fields import Comment, Count, Email, IdempotencyKey, TenantName, Timestamp
from lockbox.contracts.identity import CUSTOMER_ROLES, Role
from lockbox.contracts.policy.document import PolicySettings
from lockbox.contracts.policy.views import Forecast, PolicyDiff, PolicyView
from lockbox.contracts.request.terms import TermsAsked


@dataclass(frozen=True, kw_only=True)
class GetPolicy(Call[PolicyView], service=APPROVAL, rest="GET /tenants/{tenant}/policy", roles=SIGNED_IN):
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
    """Replace a tenant's policy, or propose to; with `version`, only if that one is in force."""

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
    """Check a document as `PutPolicy` would, and say what it would change; changes nothing."""

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
    """Say what would happen to a request, under the policy in force or under `settings`."""

    tenant: TenantName
    terms: TermsAsked
    requester: Email = "somebody@vendor.invalid"
    at: Timestamp | None = None
    settings: PolicySettings | None = None
