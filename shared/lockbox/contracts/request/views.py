"""Views of a request and of the tenants that can be asked."""

from dataclasses import dataclass
from typing import Any

from lockbox.contracts.fields import Duration, Email, Flag, TenantName, Timestamp, Uuid
from lockbox.contracts.request.terms import AccessTerms, Pattern, RequestState


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One event in the life of a request."""

    id: Uuid
    type: str
    time: Timestamp
    actor: str
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RequestView(AccessTerms):
    """A request as its readers see it, told by the events so far.

    `history_cut`: events beyond the size that a history can have are left out; the audit trail has them all.
    """

    id: Uuid
    requester: Email
    state: RequestState
    created_at: Timestamp
    expires_at: Timestamp
    history: tuple[HistoryEntry, ...] = ()
    history_cut: Flag = False


@dataclass(frozen=True, kw_only=True)
class RequestPage:
    """A part of the list of requests; `next_cursor` is null at its end."""

    items: tuple[RequestView, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class TenantView:
    """The limits of a request to this tenant."""

    tenant: TenantName
    maximum_duration: Duration
    request_lifetime: Duration
    default_duration: Duration
    service_request_pattern: Pattern | None = None


@dataclass(frozen=True, kw_only=True)
class TenantList:
    """All tenants, by name."""

    items: tuple[TenantView, ...]
