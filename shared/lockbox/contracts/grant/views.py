"""Views of a grant."""

from dataclasses import dataclass, field

from lockbox.contracts.fields import Action, Email, Resource, TenantName, Timestamp, Uuid
from lockbox.contracts.grant.terms import GrantState, OpenedBy, Thumbprint
from lockbox.contracts.permission import Rights


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
class GrantReading(GrantView):
    """A grant, and the permissions of its reader: `"you": {"may": {"revoke_grant": {"allowed": true, ...}, ...}}`."""

    you: Rights = field(default_factory=Rights)


@dataclass(frozen=True, kw_only=True)
class GrantPage:
    """A part of the list of grants; `next_cursor` is null at its end."""

    items: tuple[GrantReading, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class SignedGrant:
    """A grant as a compact JWS (RFC 7515); it is the credential itself."""

    grant_id: Uuid
    token: str
