"""Facts of a grant."""

from dataclasses import dataclass
from typing import Literal

from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Action, Duration, Email, Resource, Timestamp, Uuid
from lockbox.contracts.grant.terms import BoundTo, OpenedBy, Thumbprint


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
