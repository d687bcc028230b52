"""Use cases of enforcement points: list revocations, record attempts to use content."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from approval_service.domain.access import AccessRecord
from approval_service.usecases.keys import Keyrings, keyring
from approval_service.usecases.policy import Policies
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


class Accesses(Protocol):
    """The store of attempts to use content."""

    def create(self, key: str, changed: Changed[AccessRecord], act: Act) -> AccessRecorded: ...  # noqa: D102
    def create_many(self, changed: Mapping[str, Changed[AccessRecord]], act: Act) -> None: ...  # noqa: D102


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


def record_access(
    accesses: Accesses, policies: Policies, caller: Caller, attempt: RecordAccess, now: datetime
) -> AccessRecorded:
    """Put one attempt to use content on record."""
    if policies.find(attempt.tenant) is None:
        raise Invalid("tenant_unknown", f"tenant: {_unknown(attempt)}")
    return accesses.create(attempt.access_id, AccessRecord.of(attempt, caller.email), Act(caller.cause(), now))


def record_accesses(
    accesses: Accesses, policies: Policies, caller: Caller, command: RecordAccesses, now: datetime
) -> AccessesRecorded:
    """Put several attempts to use content on record; those of unknown tenants are refused."""
    known = {tenant for tenant in {attempt.tenant for attempt in command.attempts} if policies.find(tenant)}
    recorded = {one.access_id: AccessRecord.of(one, caller.email) for one in command.attempts if one.tenant in known}
    accesses.create_many(recorded, Act(caller.cause(), now))
    refused = (one for one in command.attempts if one.tenant not in known)
    return AccessesRecorded(
        refused=tuple(
            RefusedAccess(access_id=one.access_id, code="tenant_unknown", message=_unknown(one)) for one in refused
        )
    )


def _unknown(attempt: AccessAttempt) -> str:
    return f"there is no tenant {attempt.tenant!r}"
