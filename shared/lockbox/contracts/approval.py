"""The published language of approval_service: stages, decisions, grants, policy, and what became of a request."""

from dataclasses import dataclass, field, fields
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

from marshmallow import ValidationError, validate

from lockbox.contracts.calls import Call
from lockbox.contracts.events import Fact
from lockbox.contracts.fields import (
    Action,
    Comment,
    Count,
    Duration,
    Email,
    Flag,
    IdempotencyKey,
    Resource,
    TenantName,
    Timestamp,
    Uuid,
)
from lockbox.contracts.request import AccessTerms, Page, Pattern, RequestState

Verdict = Literal["approve", "deny"]


class StageName(StrEnum):
    """Who decides: first the vendor, then the customer."""

    VENDOR = "VENDOR"
    CUSTOMER = "CUSTOMER"


class GrantState(StrEnum):
    """Where a grant stands."""

    SCHEDULED = "SCHEDULED"
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


LIVE = frozenset({GrantState.SCHEDULED, GrantState.ACTIVE})


def between(least: timedelta, most: timedelta, text: str) -> dict[str, Any]:
    """The rule of a duration with bounds, both included."""

    def check(duration: timedelta) -> None:
        if not least <= duration <= most:
            raise ValidationError(text)

    return {"validate": check}


@dataclass(frozen=True, kw_only=True)
class PolicySettings:
    """What a tenant decides for itself.

    `require_approval` off lets the vendor's stage alone open access; `comment_on_denial` has a denial say why;
    `service_request_pattern` (null: any) is how the number of a support case has to look.
    """

    require_approval: Flag
    request_lifetime: Duration = field(
        metadata=between(timedelta(seconds=1), timedelta(days=7), "a duration from PT1S to P7D")
    )
    maximum_duration: Duration = field(
        metadata=between(timedelta(seconds=1), timedelta(hours=24), "a duration from PT1S to PT24H")
    )
    customer_quorum: Count = field(metadata={"validate": validate.Range(1, 10, error="a whole number from 1 to 10")})
    comment_on_denial: Flag = False
    service_request_pattern: Pattern | None = None

    def settings(self) -> dict[str, Any]:
        """The settings alone, as keyword arguments."""
        return {setting.name: getattr(self, setting.name) for setting in fields(PolicySettings)}


DEFAULT_SETTINGS = PolicySettings(
    require_approval=True,
    request_lifetime=timedelta(hours=12),
    maximum_duration=timedelta(hours=4),
    customer_quorum=1,
)


# --- facts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class StageOpened(AccessTerms, Fact, source="approval_service"):
    """The approvers of one side can decide now, until `expires_at`. Carries what they need to be told."""

    request_id: Uuid
    requester: Email
    created_at: Timestamp
    expires_at: Timestamp
    stage: StageName
    quorum: int
    policy_version: int


@dataclass(frozen=True, kw_only=True)
class DecisionRecorded(Fact, source="approval_service"):
    """An approver said yes or no."""

    request_id: Uuid
    stage: StageName
    approver: Email
    decision: Verdict
    comment: str


@dataclass(frozen=True, kw_only=True)
class Outcome(Fact, source="approval_service", abstract=True):
    """What the outcomes of a request have in common."""

    request_id: Uuid
    requester: Email
    service_request: str


@dataclass(frozen=True, kw_only=True)
class RequestApproved(Outcome):
    """Every stage that the policy asks for said yes."""

    approval_required: bool


@dataclass(frozen=True, kw_only=True)
class RequestDenied(Outcome):
    """An approver, or the policy itself, said no."""

    denied_by: str
    comment: str


@dataclass(frozen=True, kw_only=True)
class RequestCancelled(Outcome):
    """The engineer took the request back."""

    comment: str


@dataclass(frozen=True, kw_only=True)
class RequestExpired(Outcome):
    """Nobody decided in time."""


@dataclass(frozen=True, kw_only=True)
class AccessGranted(Fact, source="approval_service", subject="grant_id"):
    """A grant exists: this engineer, these items, these actions, from `starts_at` until `ends_at`."""

    grant_id: Uuid
    request_id: Uuid
    requester: Email
    service_request: str
    reason_code: str
    justification: str
    resources: tuple[Resource, ...]
    actions: tuple[Action, ...]
    starts_at: Timestamp
    ends_at: Timestamp
    approval_required: bool


@dataclass(frozen=True, kw_only=True)
class GrantFact(Fact, source="approval_service", subject="grant_id", abstract=True):
    """What later facts about a grant have in common."""

    grant_id: Uuid
    request_id: Uuid
    requester: Email


@dataclass(frozen=True, kw_only=True)
class GrantActivated(GrantFact):
    """Access is open from now on."""


@dataclass(frozen=True, kw_only=True)
class GrantCompleted(GrantFact):
    """The engineer was done and closed the access before its time."""

    comment: str


@dataclass(frozen=True, kw_only=True)
class GrantRevoked(GrantFact):
    """Either side ended the access before its time."""

    comment: str


@dataclass(frozen=True, kw_only=True)
class GrantExpired(GrantFact):
    """The access ended by itself."""


@dataclass(frozen=True, kw_only=True)
class PolicyChanged(PolicySettings, Fact, source="approval_service", subject="tenant"):
    """A tenant's policy is now this."""

    tenant: TenantName
    version: int


@dataclass(frozen=True, kw_only=True)
class AccessUsed(Fact, source="approval_service", subject="access_id", abstract=True):
    """What both outcomes of an attempt to use content have in common; without a grant, `grant_id` is null."""

    access_id: Uuid
    tenant: TenantName
    grant_id: Uuid | None
    request_id: Uuid | None
    engineer: Email | None
    resource: str
    action: str
    reason: str
    enforcement_point: str
    at: Timestamp

    @property
    def subject(self) -> str:
        """The grant, or the attempt itself where no grant was shown."""
        return self.grant_id or self.access_id


@dataclass(frozen=True, kw_only=True)
class AccessAllowed(AccessUsed):
    """An enforcement point served content under a grant."""


@dataclass(frozen=True, kw_only=True)
class AccessDenied(AccessUsed):
    """An enforcement point refused content."""


# --- answers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One approver's yes or no."""

    stage: StageName
    approver: Email
    decision: Verdict
    comment: str
    decided_at: Timestamp


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage: how many yeses it needs and when it opened (null: not yet)."""

    name: StageName
    quorum: int
    opened_at: Timestamp | None = None


@dataclass(frozen=True, kw_only=True)
class GrantView:
    """A grant as its readers see it; `ended_at` is null while it can still be used."""

    id: Uuid
    request_id: Uuid
    tenant: TenantName
    requester: Email
    service_request: str
    resources: tuple[Resource, ...]
    actions: tuple[Action, ...]
    state: GrantState
    granted_at: Timestamp
    starts_at: Timestamp
    ends_at: Timestamp
    ended_at: Timestamp | None = None
    ended_by: str | None = None
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class ApprovalView:
    """The outcome of a request so far, from the service that decides it."""

    request_id: Uuid
    tenant: TenantName
    requester: Email
    state: RequestState
    expires_at: Timestamp
    stages: tuple[Stage, ...]
    decisions: tuple[Decision, ...] = ()
    comment_on_denial: Flag = False
    grant: GrantView | None = None


@dataclass(frozen=True, kw_only=True)
class GrantPage:
    """A part of the list of grants; `next_cursor` is null at its end."""

    items: tuple[GrantView, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class SignedGrant:
    """A grant as a compact JWS (RFC 7515); it is the credential itself."""

    grant_id: Uuid
    token: str


@dataclass(frozen=True, kw_only=True)
class PolicyView(PolicySettings):
    """A tenant's policy and its version, counted from 1."""

    tenant: TenantName
    version: int
    changed_at: Timestamp
    changed_by: str


@dataclass(frozen=True, kw_only=True)
class KeySet:
    """Public keys as a JWK Set (RFC 7517)."""

    keys: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class RevocationList:
    """The ids of grants that were revoked or completed and whose tokens would still verify, as of `as_of`."""

    as_of: Timestamp
    grant_ids: tuple[Uuid, ...]


@dataclass(frozen=True, kw_only=True)
class AccessRecorded:
    """The attempt is on record."""

    access_id: Uuid


# --- commands and queries ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Decide(Call[ApprovalView], service="approval_service"):
    """Say yes or no for the stage that is open. Roles: vendor_approver, customer_approver."""

    request_id: Uuid
    decision: Verdict
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class CancelRequest(Call[ApprovalView], service="approval_service"):
    """Take an own request back. Role: engineer."""

    request_id: Uuid
    comment: Comment = ""
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class GetApproval(Call[ApprovalView], service="approval_service"):
    """Read the outcome of a request so far."""

    request_id: Uuid


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
    """Fetch the signed grant. Only its own engineer can."""

    grant_id: Uuid


@dataclass(frozen=True, kw_only=True)
class GetPolicy(Call[PolicyView], service="approval_service"):
    """Read a tenant's policy."""

    tenant: TenantName


@dataclass(frozen=True, kw_only=True)
class PutPolicy(Call[PolicyView], service="approval_service"):
    """Replace a tenant's policy; with `version`, only if that is the one in force. Role: customer_admin."""

    tenant: TenantName
    settings: PolicySettings
    version: Count | None = None
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class GetKeys(Call[KeySet], service="approval_service"):
    """Read the public keys that grants are signed with; everybody may."""


@dataclass(frozen=True, kw_only=True)
class ListRevocations(Call[RevocationList], service="approval_service"):
    """Read which grants ended before the time that their tokens name. Role: enforcement_point."""


def tried(longest: int) -> dict[str, Any]:
    """The rule of what somebody tried: any text, so that every attempt can be put on record."""
    pattern = rf"[^\ud800-\udfff]{{0,{longest}}}\Z"
    return {"validate": validate.Regexp(pattern, error=f"text of at most {longest} characters")}


@dataclass(frozen=True, kw_only=True)
class RecordAccess(Call[AccessRecorded], service="approval_service"):
    """Put one attempt to use content on record; the same `access_id` again changes nothing. Role: enforcement_point."""

    access_id: Uuid
    allowed: Flag
    tenant: TenantName
    grant_id: Uuid | None = None
    request_id: Uuid | None = None
    engineer: Email | None = None
    resource: str = field(metadata=tried(512))
    action: str = field(metadata=tried(64))
    reason: Action
    at: Timestamp
