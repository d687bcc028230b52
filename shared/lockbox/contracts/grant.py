"""The published language of grants, owned by approval_service: what a yes opened, how it ends and is extended."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from marshmallow import validate

from lockbox.contracts.calls import Call
from lockbox.contracts.events import Fact
from lockbox.contracts.fields import (
    Action,
    Comment,
    Duration,
    Email,
    IdempotencyKey,
    Resource,
    TenantName,
    TextField,
    Timestamp,
    Uuid,
)
from lockbox.contracts.request import Page


class ThumbprintField(TextField):
    """The SHA-256 of a key or a certificate, as base64url."""

    rule = validate.Regexp(r"[A-Za-z0-9_-]{43}\Z", error="a thumbprint of 43 characters")


Thumbprint = Annotated[str, ThumbprintField]


class GrantState(StrEnum):
    """Where a grant stands."""

    SCHEDULED = "SCHEDULED"
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


LIVE = frozenset({GrantState.SCHEDULED, GrantState.ACTIVE})

OpenedBy = Literal["approval", "policy", "break_glass"]
"""What opened an access: people of every stage, the tenant's policy by itself, or the vendor in an emergency."""


BoundTo = Literal["key", "certificate"]


# --- facts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class AccessGranted(Fact, source="approval_service", subject="grant_id"):
    """A grant exists: this engineer, these items, these actions, from `starts_at` until `ends_at`.

    `approval_required` says whether the customer's own people had a say.
    """

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
    opened_by: OpenedBy = "approval"


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
class GrantBound(GrantFact):
    """The engineer fetched the signed grant for this key or certificate, for the first time."""

    to: BoundTo
    thumbprint: Thumbprint


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
class ExtensionRequested(GrantFact):
    """The engineer needs longer; the access goes on meanwhile, until its end."""

    number: int
    duration: Duration
    justification: str


@dataclass(frozen=True, kw_only=True)
class ExtensionDecided(GrantFact):
    """The access now ends at `ends_at`. `outcome` is `lapse` if the access ended before anybody had decided."""

    number: int
    outcome: Literal["approve", "deny", "lapse"]
    ends_at: Timestamp
    comment: str = ""


# --- answers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class GrantView:
    """A grant as its readers see it; `ended_at` is null while it can still be used.

    `bound_to`: the thumbprints of the keys and certificates that its engineer fetched it for.
    """

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
    opened_by: OpenedBy = "approval"
    ended_at: Timestamp | None = None
    ended_by: str | None = None
    comment: str = ""
    bound_to: tuple[Thumbprint, ...] = ()


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


# --- commands and queries ------------------------------------------------------------------------------------------


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
class Confirmation:
    """What a signed grant is bound to: a key (RFC 9449), a client certificate (RFC 8705), by their thumbprints."""

    jkt: Thumbprint | None = None
    x5t_s256: Thumbprint | None = None

    def claim(self) -> dict[str, str]:
        """The claim `cnf` (RFC 7800)."""
        named = {"key": "jkt", "certificate": "x5t#S256"}
        return {named[to]: thumbprint for to, thumbprint in self.named()}

    def named(self) -> list[tuple[BoundTo, str]]:
        """What is named, and of what kind it is."""
        both: list[tuple[BoundTo, str | None]] = [("key", self.jkt), ("certificate", self.x5t_s256)]
        return [(to, thumbprint) for to, thumbprint in both if thumbprint is not None]


@dataclass(frozen=True, kw_only=True)
class GetGrantToken(Call[SignedGrant], service="approval_service"):
    """Fetch the signed grant, bound to a key or a certificate. Only its own engineer can."""

    grant_id: Uuid
    confirmation: Confirmation
