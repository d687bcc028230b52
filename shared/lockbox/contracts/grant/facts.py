"""Facts of a grant."""

from dataclasses import dataclass
from typing import Literal

from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Action, Duration, Email, Resource, Timestamp, Uuid
from lockbox.contracts.grant.terms import BoundTo, OpenedBy, Thumbprint


@dataclass(frozen=True, kw_only=True)
class AccessGranted(Fact, source="approval_service", subject="grant_id"):
    """A grant was created: engineer, resources and actions, from `starts_at` until `ends_at`.

    `approval_required` is true if the customer's own approvers decided.
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
    """The common fields of later facts about a grant."""

    grant_id: Uuid
    request_id: Uuid
    requester: Email


@dataclass(frozen=True, kw_only=True)
class GrantActivated(GrantFact):
    """Access under a grant began."""


@dataclass(frozen=True, kw_only=True)
class GrantBound(GrantFact):
    """The engineer fetched the signed grant for a key or certificate for the first time."""

    to: BoundTo
    thumbprint: Thumbprint


@dataclass(frozen=True, kw_only=True)
class GrantCompleted(GrantFact):
    """The engineer ended the access before its time."""

    comment: str


@dataclass(frozen=True, kw_only=True)
class GrantRevoked(GrantFact):
    """The vendor or the customer ended the access before its time."""

    comment: str


@dataclass(frozen=True, kw_only=True)
class GrantExpired(GrantFact):
    """The access ended at its time."""


@dataclass(frozen=True, kw_only=True)
class ExtensionRequested(GrantFact):
    """The engineer asked for more time; access goes on until its end."""

    number: int
    duration: Duration
    justification: str


@dataclass(frozen=True, kw_only=True)
class ExtensionDecided(GrantFact):
    """An extension was decided; the access ends at `ends_at`. `lapse`: the access ended before a decision."""

    number: int
    outcome: Literal["approve", "deny", "lapse"]
    ends_at: Timestamp
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class ExtendedWithoutCustomer(GrantFact):
    """An access was extended until `ends_at`, and none of the customer's approvers decided on it."""

    service_request: str
    number: int
    duration: Duration
    justification: str
    resources: tuple[Resource, ...]
    actions: tuple[Action, ...]
    ends_at: Timestamp
