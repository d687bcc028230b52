"""Use cases of enforcement points: list revocations, record attempts to use content."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from approval_service.domain.access import AccessRecord
from approval_service.domain.access_check import AccessCheck
from approval_service.domain.grant import Grant
from approval_service.usecases.keys import Keyrings, keyring
from lockbox.contracts.access import (
    AccessAttempt,
    AccessesRecorded,
    AccessRecorded,
    ListRevocations,
    RecordAccess,
    RecordAccesses,
    RefusedAccess,
    RevocationList,
)
from lockbox.contracts.acts import Act
from lockbox.contracts.events import Changed
from lockbox.contracts.identity import Caller
from lockbox.crypto.canonical import canonical, digest
from lockbox.errors import Invalid

OVERLAP = timedelta(seconds=30)
"""Clocks of several processes differ: grants that ended so long before `since` are listed again."""


class Revocable(Protocol):
    """The store of approvals, and so of grants."""

    def revoked(self, now: datetime, since: datetime | None) -> Iterable[str]: ...  # noqa: D102


class Grants(Protocol):
    """The store of approvals, and so of grants."""

    def grants_by_id(self, grant_ids: Iterable[str]) -> Mapping[str, Grant]: ...  # noqa: D102


class KnownTenants(Protocol):
    """The store of policies, and so of tenants."""

    def existing(self, tenants: Iterable[str]) -> frozenset[str]: ...  # noqa: D102


class Accesses(Protocol):
    """The store of attempts to use content."""

    def create(self, key: str, changed: Changed[AccessRecord], act: Act) -> AccessRecorded: ...  # noqa: D102
    def create_many(self, changed: Mapping[str, Changed[AccessRecord]], act: Act) -> None: ...  # noqa: D102
    def count_refused(self, refused: RefusedAccess, enforcement_point: str) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class AccessStores:
    """The stores that a reported access is checked against and recorded in."""

    accesses: Accesses
    approvals: Grants
    policies: KnownTenants

    def check(self, point: Caller, attempts: Sequence[AccessAttempt], now: datetime) -> AccessCheck:
        """Return the check of some attempts, with one read of the tenants and one of the grants."""
        tenants = self.policies.existing({one.tenant for one in attempts})
        grants = self.approvals.grants_by_id({one.grant_id for one in attempts if one.allowed and one.grant_id})
        return AccessCheck(point, tenants, grants, now)


def list_revocations(approvals: Revocable, keyrings: Keyrings, query: ListRevocations, now: datetime) -> RevocationList:
    """List the ended grants with tokens that would still verify; with `since`, those ended since then."""
    keys = keyring(keyrings)
    since = None if query.since is None else query.since - OVERLAP
    return RevocationList(
        as_of=now,
        since=query.since,
        grant_ids=tuple(approvals.revoked(now, since)),
        revoked_keys=keys.revoked,
        keys=digest(canonical([key.kid for key in keys.published])),
    )


def record_access(stores: AccessStores, caller: Caller, attempt: RecordAccess, now: datetime) -> AccessRecorded:
    """Put one attempt to use content on record; raises `Invalid` for one that is refused."""
    check = stores.check(caller, (attempt,), now)
    act, refused = Act(caller.cause(), now), check.refusal(attempt)
    if refused is None:
        return stores.accesses.create(attempt.access_id, AccessRecord.of(attempt, caller.email), act)
    stores.accesses.count_refused(refused, caller.email)
    if attempt.allowed:
        stores.accesses.create(attempt.access_id, _dispute(check, attempt, refused), act)
    raise Invalid(refused.code, refused.message)


def record_accesses(stores: AccessStores, caller: Caller, command: RecordAccesses, now: datetime) -> AccessesRecorded:
    """Put several attempts to use content on record, and return those that are refused.

    An allowed access that is refused is on record as disputed: content was served, or the report is false.
    """
    check = stores.check(caller, command.attempts, now)
    checked = [(one, check.refusal(one)) for one in command.attempts]
    recorded = {one.access_id: AccessRecord.of(one, caller.email) for one, refused in checked if refused is None}
    disputed = {one.access_id: _dispute(check, one, refused) for one, refused in checked if refused and one.allowed}
    refusals = tuple(refused for _, refused in checked if refused)
    for refused in refusals:
        stores.accesses.count_refused(refused, caller.email)
    stores.accesses.create_many(recorded | disputed, Act(caller.cause(), now))
    return AccessesRecorded(refused=refusals)


def _dispute(check: AccessCheck, attempt: AccessAttempt, refused: RefusedAccess) -> Changed[AccessRecord]:
    """Return the dispute of an allowed access, for the people of its tenant if the token may speak of that."""
    tenant = attempt.tenant if check.is_for(attempt.tenant) else None
    return AccessRecord.disputed(attempt, check.point.email, refused.code, tenant)
