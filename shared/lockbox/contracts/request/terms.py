"""Terms of a request: reason, resources, actions, duration, state."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from lockbox.contracts import wire
from lockbox.contracts.fields import Action, Duration, Justification, Resource, TenantName, TextField, Timestamp
from lockbox.contracts.rules import SomeDistinct, TextPattern, violation


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

    rule = TextPattern(r"[A-Z][A-Z0-9]{0,9}-[0-9]{1,12}\Z", "not_a_service_request")


class PatternField(TextField):
    """How a tenant's service requests look: `#` is one digit, a final `*` one or more, all else stands for itself."""

    rule = TextPattern(r"[A-Z][A-Z0-9#]{0,9}-(?:[0-9#]{1,12}|[0-9#]{0,11}\*)\Z", "not_a_service_request_pattern")


Pattern = Annotated[str, PatternField]


def matches(service_request: str, pattern: str) -> bool:
    """Whether a service request looks as a tenant wants it to."""
    expression = re.escape(pattern).replace(r"\#", "[0-9]").replace(r"\*", "[0-9]+")
    return re.fullmatch(expression, service_request) is not None


def some_distinct(most: int, of: str) -> dict[str, Any]:
    """Return the rule of a list that names at least one thing, at most `most`, and none twice."""
    return {"validate": SomeDistinct(most, of)}


def longer_than_zero() -> dict[str, Any]:
    """The rule of a duration that takes time."""

    def check(duration: timedelta) -> None:
        if duration <= timedelta(0):
            raise violation("not_longer_than_zero")

    return {"validate": check}


@dataclass(frozen=True, kw_only=True)
class BaseTerms:
    """Terms without a duration: customer, reason, items, actions, start."""

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
    """Terms that an engineer asks for; without a duration, the tenant's policy gives one."""

    duration: Duration | None = field(default=None, metadata=longer_than_zero())

    def lasting(self, default: timedelta) -> "AccessTerms":
        """The terms with their duration."""
        return AccessTerms(**wire.named(TermsAsked, self) | {"duration": self.duration or default})


@dataclass(frozen=True, kw_only=True)
class AccessTerms(BaseTerms):
    """Terms of an access, whole."""

    duration: Duration = field(metadata=longer_than_zero())

    @classmethod
    def of(cls, source: "AccessTerms") -> "AccessTerms":
        """The terms alone, out of a message that carries more."""
        return AccessTerms(**wire.named(AccessTerms, source))

    def within(self, **more: Any) -> dict[str, Any]:
        """Keyword arguments for a message that carries these terms and `more`."""
        return wire.named(AccessTerms, self) | more
