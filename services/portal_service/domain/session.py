"""Sessions, API tokens and failed sign-ins."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lockbox.contracts.events import Changed
from lockbox.contracts.fields import Email, Timestamp
from lockbox.contracts.member import ApiTokenChanged, ApiTokenCreated, SignedIn, SignInFailed
from lockbox.errors import LockboxError
from portal_service.domain.account import Account

SESSION_LIFETIME = timedelta(hours=8)


class Unauthenticated(LockboxError):
    """The token or password is not valid, or not any more."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """A signed-in person's session, found by the digest of its random token."""

    email: Email
    created_at: Timestamp
    expires_at: Timestamp

    @classmethod
    def begin(cls, account: Account, now: datetime, source: str | None = None) -> Changed["Session"]:
        """Return a new session of this account."""
        session = cls(email=account.email, created_at=now, expires_at=now + SESSION_LIFETIME)
        return Changed(session, (SignedIn(tenant=account.tenant, email=account.email, source_address=source),))


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """A machine's standing credential, found by the digest of its random token.

    `tenants`: those that an enforcement point's token is for, `*` for all. A token of before tokens named tenants has
    none.
    """

    email: Email
    created_at: Timestamp
    tenants: tuple[str, ...] = ()

    @classmethod
    def create(cls, account: Account, tenants: tuple[str, ...], now: datetime) -> Changed["ApiToken"]:
        """Return a new token of this account, for these tenants."""
        token = cls(email=account.email, created_at=now, tenants=tenants)
        return Changed(token, (ApiTokenCreated(tenant=account.tenant, email=account.email, tenants=tenants),))

    def name_tenants(self, account: Account, tenants: tuple[str, ...]) -> Changed["ApiToken"]:
        """Let the token be for these tenants from now on."""
        if self.tenants == tenants:
            return Changed(self)
        fact = ApiTokenChanged(tenant=account.tenant, email=account.email, tenants=tenants)
        return Changed(replace(self, tenants=tenants), (fact,))


@dataclass(frozen=True, kw_only=True)
class FailedAttempt:
    """A failed sign-in: a wrong password, or an address without an account."""

    email: Email
    at: Timestamp

    @classmethod
    def note(cls, email: str, account: Account | None, source: str | None, now: datetime) -> Changed["FailedAttempt"]:
        """Return a failed attempt, which concerns the tenant of the account if there is one."""
        tenant = None if account is None else account.tenant
        fact = SignInFailed(tenant=tenant, email=email, source_address=source)
        return Changed(cls(email=email, at=now), (fact,))
