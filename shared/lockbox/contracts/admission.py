"""The limits that a request has to keep to be made, for the request itself and for a dry run of it."""

from datetime import datetime, timedelta
from typing import Protocol

from lockbox.contracts.fields import format_duration
from lockbox.contracts.grant.token import require_acceptable
from lockbox.contracts.request.terms import AccessTerms, matches
from lockbox.errors import invalid
from lockbox.faults import Expected
from lockbox.values.timestamps import format_timestamp

FURTHEST_START = timedelta(days=30)


class TenantLimits(Protocol):
    """The limits of a tenant's policy."""

    @property
    def maximum_duration(self) -> timedelta: ...  # noqa: D102
    @property
    def service_request_pattern(self) -> str | None: ...  # noqa: D102


def require_admissible(terms: AccessTerms, requester: str, limits: TenantLimits, now: datetime) -> None:
    """Raise `Invalid` for terms that the tenant's limits, or the rules for all, exclude."""
    _check_duration(terms, limits)
    _check_start(terms, now)
    _check_service_request(terms, limits)
    require_acceptable(terms, requester)


def _check_duration(terms: AccessTerms, limits: TenantLimits) -> None:
    if terms.duration > limits.maximum_duration:
        expected = Expected("duration_too_long", most=format_duration(limits.maximum_duration))
        raise invalid("duration", expected, format_duration(terms.duration))


def _check_service_request(terms: AccessTerms, limits: TenantLimits) -> None:
    pattern = limits.service_request_pattern
    if pattern is not None and not matches(terms.service_request, pattern):
        expected = Expected("service_request_unlike_pattern", pattern=pattern)
        raise invalid("service_request", expected, terms.service_request)


def _check_start(terms: AccessTerms, now: datetime) -> None:
    if terms.starts_at is not None and not now <= terms.starts_at <= now + FURTHEST_START:
        expected = Expected("start_not_soon", days=FURTHEST_START.days)
        raise invalid("starts_at", expected, format_timestamp(terms.starts_at), "invalid_starts_at")
