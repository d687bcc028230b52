"""Facts of portal_service: members, sign-ins and API tokens."""

from dataclasses import dataclass

from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Email


@dataclass(frozen=True, kw_only=True)
class MemberFact(Fact, source="portal_service", subject="email", abstract=True):
    """The common fields of the facts about a member; the vendor's own members have no tenant."""

    email: Email


@dataclass(frozen=True, kw_only=True)
class MemberAdded(MemberFact):
    """A person or machine acts for an organisation from now on. A tenant exists from its first member on."""

    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MemberChanged(MemberFact):
    """A member's roles are now these."""

    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MemberRemoved(MemberFact):
    """A member no longer acts for its organisation."""


@dataclass(frozen=True, kw_only=True)
class SignedIn(MemberFact):
    """A member signed in; `source_address`: the IP address that it came from."""

    source_address: str | None = None


@dataclass(frozen=True, kw_only=True)
class SignInFailed(MemberFact):
    """A sign-in failed: the password was wrong, or there is no account with this address."""

    source_address: str | None = None


@dataclass(frozen=True, kw_only=True)
class ApiTokenCreated(MemberFact):
    """A machine account can call the API with a token of its own; `tenants`: those of an enforcement point's token."""

    tenants: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ApiTokenChanged(MemberFact):
    """The token of an enforcement point is for these tenants from now on; `*` stands for all."""

    tenants: tuple[str, ...]
