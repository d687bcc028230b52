"""The check of a reported access: the tenants of the token, the time, and for an allowed one the grant."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from approval_service.domain.grant import Grant
from lockbox.contracts.access import AccessAttempt, RefusedAccess
from lockbox.contracts.identity import Caller
from lockbox.values.resources import covers, is_item
from lockbox.values.timestamps import format_timestamp as _text

SLACK = timedelta(seconds=90)
"""The tolerance of a time that a guard names: its clock may be 60 s off, and it hears of revocations within 5 s."""
SPOOLED_FOR = timedelta(days=7)
"""The longest time that a record may wait in a spool."""

Reason = tuple[str, str]


@dataclass(frozen=True)
class AccessCheck:
    """The facts that accesses are checked against: the caller, the tenants that exist, the grants by id, the time."""

    point: Caller
    tenants: Collection[str]
    grants: Mapping[str, Grant]
    now: datetime

    def refusal(self, attempt: AccessAttempt) -> RefusedAccess | None:
        """Return the refusal of an access that may not stand on record as it was reported, or None."""
        for code, message in self._reasons(attempt):
            return RefusedAccess(access_id=attempt.access_id, code=code, message=message)
        return None

    def is_for(self, tenant: str) -> bool:
        """Tell whether the tenant exists and the token of the enforcement point names it."""
        return self.point.is_for(tenant) and tenant in self.tenants

    def _reasons(self, attempt: AccessAttempt) -> Iterator[Reason]:
        yield from self._against_token(attempt)
        yield from self._against_clock(attempt)
        if attempt.allowed:
            yield from self._against_grant(attempt)

    def _against_token(self, attempt: AccessAttempt) -> Iterator[Reason]:
        if not self.point.is_for(attempt.tenant):
            yield "tenant_not_of_token", f"tenant: the token of {self.point.email} does not name {attempt.tenant!r}"
        if attempt.tenant not in self.tenants:
            yield "tenant_unknown", f"tenant: there is no tenant {attempt.tenant!r}"

    def _against_clock(self, attempt: AccessAttempt) -> Iterator[Reason]:
        earliest, latest = self.now - SPOOLED_FOR, self.now + SLACK
        if not earliest <= attempt.at <= latest:
            yield "at_out_of_range", f"at: expected {_text(earliest)} to {_text(latest)}, got {_text(attempt.at)}"

    def _against_grant(self, attempt: AccessAttempt) -> Iterator[Reason]:
        grant = self.grants.get(attempt.grant_id or "")
        if grant is None:
            yield "grant_unknown", f"grant_id: expected a grant that exists, got {attempt.grant_id!r}"
        else:
            yield from _about_another(attempt, grant)
            yield from _outside(attempt, grant)
            yield from _at_another_time(attempt, grant)


def _about_another(attempt: AccessAttempt, grant: Grant) -> Iterator[Reason]:
    for field, code, granted in (
        ("tenant", "grant_of_another_tenant", grant.tenant),
        ("engineer", "grant_of_another_engineer", grant.requester),
        ("request_id", "grant_of_another_request", grant.request_id),
    ):
        if getattr(attempt, field) != granted:
            yield code, f"{field}: expected that of grant {grant.id}, got {getattr(attempt, field)!r}"


def _outside(attempt: AccessAttempt, grant: Grant) -> Iterator[Reason]:
    if not is_item(attempt.resource) or not any(covers(pattern, attempt.resource) for pattern in grant.resources):
        yield "outside_grant", f"resource: grant {grant.id} does not name {attempt.resource!r}"
    if attempt.action not in grant.actions:
        yield "outside_grant", f"action: grant {grant.id} does not name {attempt.action!r}"


def _at_another_time(attempt: AccessAttempt, grant: Grant) -> Iterator[Reason]:
    if attempt.at < grant.starts_at - SLACK:
        yield "at_out_of_range", f"at: grant {grant.id} starts at {_text(grant.starts_at)}, got {_text(attempt.at)}"
    if attempt.at > grant.ends_at + SLACK:
        yield "grant_expired", f"at: grant {grant.id} ends at {_text(grant.ends_at)}, got {_text(attempt.at)}"
    if grant.ended_at is not None and attempt.at > grant.ended_at + SLACK:
        yield "grant_revoked", f"at: grant {grant.id} ended at {_text(grant.ended_at)}, got {_text(attempt.at)}"
