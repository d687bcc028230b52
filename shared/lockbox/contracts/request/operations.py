"""Operations on a request."""

from dataclasses import dataclass

from lockbox.contracts.calls import Call
from lockbox.contracts.fields import Email, IdempotencyKey, Justification, TenantName, Uuid
from lockbox.contracts.page import Page
from lockbox.contracts.request.terms import RequestState, TermsAsked
from lockbox.contracts.request.views import RequestPage, RequestView, TenantList


@dataclass(frozen=True, kw_only=True)
class CreateRequest(Call[RequestView], service="request_service"):
    """Ask for access. Role: engineer."""

    terms: TermsAsked
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class ProvideInfo(Call[RequestView], service="request_service"):
    """Answer what the approvers asked about an own request. Role: engineer."""

    request_id: Uuid
    text: Justification
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class GetRequest(Call[RequestView], service="request_service"):
    """Read one request with its history."""

    request_id: Uuid


@dataclass(frozen=True, kw_only=True)
class ListRequests(Page, Call[RequestPage], service="request_service"):
    """The requests that the caller may see, newest first."""

    tenant: TenantName | None = None
    state: RequestState | None = None
    requester: Email | None = None


@dataclass(frozen=True, kw_only=True)
class ListTenants(Call[TenantList], service="request_service"):
    """The tenants whose content the caller may ask for or decide on, with what their policy lets one ask."""
