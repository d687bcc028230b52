"""The published language of request_service: what was asked, and where it stands."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from marshmallow import ValidationError, validate

from lockbox.contracts import wire
from lockbox.contracts.calls import Call
from lockbox.contracts.events import Fact
from lockbox.contracts.fields import (
    Action,
    Duration,
    Email,
    IdempotencyKey,
    Justification,
    Resource,
    TenantName,
    TextField,
    Timestamp,
    Uuid,
)


class ReasonCode(StrEnum):
    """Why a vendor asks for a customer's content."""

    CUSTOMER_INITIATED_SUPPORT = "CUSTOMER_INITIATED_SUPPORT"
    VENDOR_INITIATED_SERVICE = "VENDOR_INITIATED_SERVICE"
    VENDOR_INITIATED_REVIEW = "VENDOR_INITIATED_REVIEW"
    VENDOR_RESPONSE_TO_PRODUCTION_ALERT = "VENDOR_RESPONSE_TO_PRODUCTION_ALERT"
    THIRD_PARTY_DATA_REQUEST = "THIRD_PARTY_DATA_REQUEST"


class Severity(StrEnum):
    """How much hangs on it that access is decided on soon."""

    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class RequestState(StrEnum):
    """Where a request stands."""

    PENDING_VENDOR = "PENDING_VENDOR"
    PENDING_CUSTOMER = "PENDING_CUSTOMER"
    INFO_REQUESTED = "INFO_REQUESTED"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


PENDING = frozenset({RequestState.PENDING_VENDOR, RequestState.PENDING_CUSTOMER, RequestState.INFO_REQUESTED})


class ServiceRequestField(TextField):
    """The number of a support case."""

    rule = validate.Regexp(r"[A-Z][A-Z0-9]{0,9}-[0-9]{1,12}\Z", error="a service request such as SR-359423")


class PatternField(TextField):
    """How a tenant's service requests look: `#` is one digit, a final `*` one or more, all else stands for itself."""

    rule = validate.Regexp(
        r"[A-Z][A-Z0-9#]{0,9}-(?:[0-9#]{1,12}|[0-9#]{0,11}\*)\Z",
        error="a pattern of service requests such as SR-###### or SR-*",
    )


Pattern = Annotated[str, PatternField]


def matches(service_request: str, pattern: str) -> bool:
    """Whether a service request looks as a tenant wants it to."""
    expression = re.escape(pattern).replace(r"\#", "[0-9]").replace(r"\*", "[0-9]+")
    return re.fullmatch(expression, service_request) is not None


def some_distinct(most: int, what: str) -> dict[str, Any]:
    """The rule of a list that names at least one thing, at most `most`, and none twice."""

    def check(items: tuple[str, ...]) -> None:
        if not 1 <= len(items) <= most:
            raise ValidationError(f"1 to {most} {what}")
        if len(set(items)) != len(items):
            raise ValidationError(f"{what} that are named once")

    return {"validate": check}


def longer_than_zero() -> dict[str, Any]:
    """The rule of a duration that takes time."""

    def check(duration: timedelta) -> None:
        if duration <= timedelta(0):
            raise ValidationError("a duration longer than zero")

    return {"validate": check}


@dataclass(frozen=True, kw_only=True)
class BaseTerms:
    """What an engineer asks for, but for how long: whose content, why, which items, which actions, from when."""

    tenant: TenantName
    service_request: Annotated[str, ServiceRequestField]
    reason_code: ReasonCode
    justification: Justification
    resources: tuple[Resource, ...] = field(metadata=some_distinct(100, "resources"))
    actions: tuple[Action, ...] = field(metadata=some_distinct(20, "actions"))
    starts_at: Timestamp | None = None
    severity: Severity = Severity.NORMAL


@dataclass(frozen=True, kw_only=True)
class TermsAsked(BaseTerms):
    """What an engineer asks for; without a duration, for as long as the tenant's policy says."""

    duration: Duration | None = field(default=None, metadata=longer_than_zero())

    def lasting(self, default: timedelta) -> "AccessTerms":
        """The terms with their duration."""
        return AccessTerms(**wire.named(TermsAsked, self) | {"duration": self.duration or default})


@dataclass(frozen=True, kw_only=True)
class AccessTerms(BaseTerms):
    """What access is asked for, whole."""

    duration: Duration = field(metadata=longer_than_zero())

    @classmethod
    def of(cls, source: "AccessTerms") -> "AccessTerms":
        """The terms alone, out of a message that carries more."""
        return AccessTerms(**wire.named(AccessTerms, source))

    def within(self, **more: Any) -> dict[str, Any]:
        """Keyword arguments for a message that carries these terms and `more`."""
        return wire.named(AccessTerms, self) | more


@dataclass(frozen=True, kw_only=True)
class RequestCreated(AccessTerms, Fact, source="request_service"):
    """An engineer asked for access."""

    request_id: Uuid
    requester: Email
    created_at: Timestamp


@dataclass(frozen=True, kw_only=True)
class InfoProvided(Fact, source="request_service"):
    """The engineer answered what the approvers wanted to know; `number` counts the answers from 1."""

    request_id: Uuid
    requester: Email
    number: int
    answer: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """Which part of a list: `limit` items (1 to 200) after the opaque `cursor` that the part before ended with."""

    cursor: str | None = field(default=None, metadata={"validate": validate.Length(max=512)})
    limit: int = field(
        default=50,
        metadata={"validate": validate.Range(min=1, max=200, error="a whole number from 1 to 200")},
    )


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
    """A request as its readers see it, told by the events so far."""

    id: Uuid
    requester: Email
    state: RequestState
    created_at: Timestamp
    expires_at: Timestamp
    history: tuple[HistoryEntry, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RequestPage:
    """A part of the list of requests; `next_cursor` is null at its end."""

    items: tuple[RequestView, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class TenantView:
    """What a request to this tenant must keep to."""

    tenant: TenantName
    maximum_duration: Duration
    request_lifetime: Duration
    default_duration: Duration
    service_request_pattern: Pattern | None = None


@dataclass(frozen=True, kw_only=True)
class TenantList:
    """All tenants, by name."""

    items: tuple[TenantView, ...]


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
