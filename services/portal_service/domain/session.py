"""Sessions, API tokens and failed sign-ins."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lockbox.contracts.events import Changed
from lockbox.contracts.fields import Email, Timestamp
from lockbox.contracts.member import ApiTokenCreated, SignedIn, SignInFailed
from lockbox.errors import LockboxError
from portal_service.domain.account import Account

SESSION_LIFETIME = timedelta(hours=8)
FAILURES_ALLOWED = 10
FAILURES_WITHIN = timedelta(minutes=10)


class Unauthenticated(LockboxError):
    """Nobody, or nobody any more, is known by what came."""


class TooManyAttempts(LockboxError):
    """Too many wrong passwords; come back later."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """Somebody signed in; known by the digest of a random token."""

    email: Email
    created_at: Timestamp
    expires_at: Timestamp

    @classmethod
    def begin(cls, account: Account, now: datetime) -> Changed["Session"]:
        """Begin a session."""
        session = cls(email=account.email, created_at=now, expires_at=now + SESSION_LIFETIME)
        return Changed(session, (SignedIn(tenant=account.tenant, email=account.email),))


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """A machine's standing credential; known by the digest of a random token."""

    email: Email
    created_at: Timestamp

    @classmethod
    def create(cls, account: Account, now: datetime) -> Changed["ApiToken"]:
        """Let a machine in."""
        token = cls(email=account.email, created_at=now)
        return Changed(token, (ApiTokenCreated(tenant=account.tenant, email=account.email),))


@dataclass(frozen=True, kw_only=True)
class FailedAttempt:
    """A wrong password, or an address that nobody has."""

    email: Email
    at: Timestamp

    @classmethod
    def note(cls, email: str, account: Account | None, now: datetime) -> Changed["FailedAttempt"]:
        """Note a failed attempt, for the tenant of the account if there is one."""
        tenant = None if account is None else account.tenant
        return Changed(cls(email=email, at=now), (SignInFailed(tenant=tenant, email=email),))


def require_patience(recent_failures: int) -> None:
    """Raise `TooManyAttempts` after `FAILURES_ALLOWED` within `FAILURES_WITHIN`."""
    if recent_failures >= FAILURES_ALLOWED:
        raise TooManyAttempts("too_many_attempts", "too many failed sign-ins for this address; wait ten minutes")
