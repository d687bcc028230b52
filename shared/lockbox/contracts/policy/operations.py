"""Operations on a policy."""

from dataclasses import dataclass
from typing import Literal

from lockbox.contracts.calls import Call
from lockbox.contracts.fields import Comment, Count, Email, IdempotencyKey, TenantName, Timestamp
from lockbox.contracts.policy.document import PolicySettings
from lockbox.contracts.policy.views import Forecast, PolicyDiff, PolicyView
from lockbox.contracts.request.terms import TermsAsked


@dataclass(frozen=True, kw_only=True)
class GetPolicy(Call[PolicyView], service="approval_service"):
    """Read a tenant's policy."""

    tenant: TenantName


@dataclass(frozen=True, kw_only=True)
class PutPolicy(Call[PolicyView], service="approval_service"):
    """Replace a tenant's policy, or propose to; with `version`, only if that one is in force. Role: customer_admin."""

    tenant: TenantName
    settings: PolicySettings
    version: Count | None = None
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class DiffPolicy(Call[PolicyDiff], service="approval_service"):
    """Check a document as `PutPolicy` would, and say what it would change; changes nothing. Role: customer_admin."""

    tenant: TenantName
    settings: PolicySettings


@dataclass(frozen=True, kw_only=True)
class DecidePolicyChange(Call[PolicyView], service="approval_service"):
    """Agree to a proposed policy, as another administrator, or reject it. Role: customer_admin."""

    tenant: TenantName
    digest: str
    decision: Literal["agree", "reject"]
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class EvaluatePolicy(Call[Forecast], service="approval_service"):
    """Say what would happen to a request, under the policy in force or under `settings`."""

    tenant: TenantName
    terms: TermsAsked
    requester: Email = "somebody@vendor.invalid"
    at: Timestamp | None = None
    settings: PolicySettings | None = None
