"""The published language of portal_service: who is known, and who signed in."""

from dataclasses import dataclass

from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Email


@dataclass(frozen=True, kw_only=True)
class MemberFact(Fact, source="portal_service", subject="email", abstract=True):
    """What the facts about a member have in common; the vendor's own members have no tenant."""

    email: Email


@dataclass(frozen=True, kw_only=True)
class MemberAdded(MemberFact):
    """Somebody can act for an organisation now. A tenant is known from its first member on."""

    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MemberChanged(MemberFact):
    """A member's roles are now these."""

    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MemberRemoved(MemberFact):
    """Somebody can no longer act."""


@dataclass(frozen=True, kw_only=True)
class SignedIn(MemberFact):
    """Somebody proved who they are."""


@dataclass(frozen=True, kw_only=True)
class SignInFailed(MemberFact):
    """Somebody gave this address and a wrong password, or an address that nobody has."""


@dataclass(frozen=True, kw_only=True)
class ApiTokenCreated(MemberFact):
    """A machine account can call the API with a token of its own."""
