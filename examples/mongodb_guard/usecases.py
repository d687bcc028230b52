"""The use cases of mongodb_guard, one function for each.

Only a login makes a user. Events and the clock take away, or say what the next login may have; so nothing that comes
late, twice or out of order can open anything.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from examples.mongodb_guard.domain import OWN_DATABASE, Databases, Grant, Rights, in_excess, left_out, user_of, wanted
from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Timestamp
from lockbox.errors import Forbidden
from lockbox.guard.decision import Decision

log = structlog.get_logger(__name__)


class Grants(Protocol):
    """The store of known grants."""

    def learn(self, grant_id: str, fact: Fact) -> Grant: ...  # noqa: D102
    def find(self, grant_id: str) -> Grant: ...  # noqa: D102
    def live(self, now: datetime) -> Iterable[Grant]: ...  # noqa: D102


class Access(Protocol):
    """The users of the product's MongoDB that are ours."""

    def found(self) -> Mapping[str, Rights]: ...  # noqa: D102
    def open(self, user: str, held: Rights, password: str) -> None: ...  # noqa: D102
    def close(self, *users: str) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class Guarded:
    """The dependencies of a use case."""

    grants: Grants
    access: Access
    databases: Databases


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The credentials of an engineer for MongoDB, until `ends_at`."""

    username: str
    password: str
    auth_source: str = OWN_DATABASE
    ends_at: Timestamp


def learn(guarded: Guarded, grant_id: str, fact: Fact, now: datetime) -> None:
    """Record an event of a grant, and remove its user if the grant has ended."""
    grant = guarded.grants.learn(grant_id, fact)
    if not grant.open_at(now):
        guarded.access.close(user_of(grant_id))
    if ignored := left_out(grant, guarded.databases):
        log.warning("opens_nothing_here", grant_id=grant_id, tenant=grant.tenant, resources=ignored)


def close_ended(guarded: Guarded, now: datetime) -> None:
    """Remove every user without a live grant: expired, ended unnoticed, or left by a killed process."""
    found = guarded.access.found()  # first, so that who is found and not explained now has lost it meanwhile
    allowed = wanted(guarded.grants.live(now), guarded.databases, now)
    guarded.access.close(*in_excess(found, allowed))


def log_in(guarded: Guarded, decision: Decision, now: datetime) -> Credentials:
    """Open the user of the grant that was shown, with a new password; whoever used it before is out."""
    if not decision.allowed or decision.grant_id is None:
        raise Forbidden(decision.reason, "the guard does not allow it")
    grant, user = guarded.grants.find(decision.grant_id), user_of(decision.grant_id)
    held = wanted([grant], guarded.databases, now).get(user)
    if held is None or grant.ends_at is None:
        raise Forbidden("opens_nothing_here", "the grant opens nothing in this MongoDB, or is not known here")
    credentials = Credentials(username=user, password=secrets.token_urlsafe(32), ends_at=grant.ends_at)
    guarded.access.close(user)
    guarded.access.open(user, held, credentials.password)
    if guarded.grants.find(decision.grant_id).ended:  # in between, and whoever heard of it found no user to close
        guarded.access.close(user)
        raise Forbidden("grant_revoked", "the grant was revoked or completed")
    log.info("opened", user=user, engineer=decision.engineer, ends_at=credentials.ends_at.isoformat())
    return credentials
