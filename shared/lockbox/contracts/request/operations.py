"""Operations on a request."""

from dataclasses import dataclass, field

from lockbox.contracts.calls import REQUEST, SIGNED_IN, Call
from lockbox.contracts.fields import Email, IdempotencyKey, Justification, TenantName, Uuid
from lockbox.contracts.identity import VENDOR_ROLES, Role
from lockbox.contracts.page import Page
from lockbox.contracts.request.terms import RequestState, TermsAsked
from lockbox.contracts.request.views import RequestPage, RequestView, TenantList


@dataclass(frozen=True, kw_only=True)
class CreateRequest(
    Call[RequestView],
    service=REQUEST,
    rest="POST /requests",
    roles=(Role.ENGINEER,),
    only=VENDOR_ROLES,
    status=201,
    body="terms",
):
    """Create a request for access; without a duration, the tenant's policy sets it."""

    terms: TermsAsked
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class ProvideInfo(
    Call[RequestView],
    service=REQUEST,
    rest="POST /requests/{request_id}/info-answers",
    roles=(Role.ENGINEER,),
    only=VENDOR_ROLES,
    status=201,
):
    """Answer a question of the approvers about an own request."""

    request_id: Uuid
    text: Justification = field(metadata={"data_key": "answer"})
    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class GetRequest(Call[RequestView], service=REQUEST, rest="GET /requests/{request_id}", roles=SIGNED_IN):
    """Read one request: terms, decisions, grant, history, and the operations that the caller may use on it."""

    request_id: Uuid


@dataclass(frozen=True, kw_only=True)
class ListRequests(Page, Call[RequestPage], service=REQUEST, rest="GET /requests", roles=SIGNED_IN):
    """List the requests that the caller may see, newest first."""

    tenant: TenantName | None = None
    state: RequestState | None = None
    requester: Email | None = None


@dataclass(frozen=True, kw_only=True)
class ListTenants(Call[TenantList], service=REQUEST, rest="GET /tenants", roles=SIGNED_IN):
    """List the tenants of the caller, each with the limits that its policy sets for requests."""
