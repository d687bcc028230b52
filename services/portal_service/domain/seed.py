"""The seed: the members that a deployment starts with."""

from dataclasses import dataclass
from typing import Annotated, Any

from lockbox.contracts.fields import Email, NameField
from lockbox.contracts.identity import ALL_TENANTS, Role
from lockbox.errors import Invalid
from lockbox.values.names import is_tenant

NAMED = f'a list of tenants, or "{ALL_TENANTS}" for all, as the API token of an enforcement point is for these alone'


@dataclass(frozen=True)
class SeedMember:
    """A member with a password or an API token; the token of an enforcement point is for the `tenants` named."""

    email: Email
    organisation: Annotated[str, NameField]
    roles: tuple[str, ...]
    password: str | None = None
    api_token: str | None = None
    tenants: Any = None

    @property
    def token_tenants(self) -> tuple[str, ...]:
        """Return the tenants that the API token is for; raises `Invalid` unless an enforcement point's names them."""
        if Role.ENFORCEMENT_POINT not in self.roles:
            return self._without_tenants()
        named = [self.tenants] if self.tenants == ALL_TENANTS else self.tenants
        if not isinstance(named, list) or not named or not all(map(_is_tenant_or_all, named)):
            raise self._invalid(NAMED)
        if ALL_TENANTS in named and len(named) > 1:
            raise self._invalid(NAMED)
        return tuple(sorted(set(named)))

    def _without_tenants(self) -> tuple[str, ...]:
        if self.tenants is not None:
            raise self._invalid("no value, as the member is no enforcement point")
        return ()

    def _invalid(self, expected: str) -> Invalid:
        return Invalid("invalid_tenants", f"seed: {self.email}: tenants: expected {expected}, got {self.tenants!r}")


@dataclass(frozen=True)
class Seed:
    """The members that a deployment starts with; a member that exists already is left as it is."""

    members: tuple[SeedMember, ...]

    def require_tenants(self) -> "Seed":
        """Return the seed; raises `Invalid` for an API token of an enforcement point that names no tenants."""
        for member in self.members:
            if member.api_token:
                _ = member.token_tenants
        return self


def _is_tenant_or_all(name: object) -> bool:
    return isinstance(name, str) and (name == ALL_TENANTS or is_tenant(name))
