"""An account: a person or machine that can act for one organisation."""

from dataclasses import dataclass
from datetime import datetime

from lockbox.contracts.events import VENDOR, Changed
from lockbox.contracts.fields import Email
from lockbox.contracts.identity import CUSTOMER_ROLES, VENDOR_ROLES, Caller, Role
from lockbox.contracts.member import MemberAdded
from lockbox.errors import Invalid


@dataclass(frozen=True, kw_only=True)
class Account:
    """A person or machine with its organisation and roles; `password_hash` is null for machines."""

    email: Email
    organisation: str
    roles: tuple[str, ...]
    password_hash: str | None

    @classmethod
    def add(
        cls, email: str, organisation: str, roles: tuple[str, ...], password_hash: str | None
    ) -> Changed["Account"]:
        """Return a new account; raises `Invalid` for roles that do not belong to this organisation."""
        fitting = VENDOR_ROLES if organisation == VENDOR else CUSTOMER_ROLES
        foreign = sorted(set(roles) - fitting)
        if foreign or not roles:
            raise Invalid("invalid_roles", f"{email}: roles of {organisation} are {', '.join(sorted(fitting))}")
        account = cls(email=email.lower(), organisation=organisation, roles=roles, password_hash=password_hash)
        return Changed(account, (MemberAdded(tenant=account.tenant, email=account.email, roles=roles),))

    @property
    def tenant(self) -> str | None:
        """Return the tenant of the account, or None for the vendor."""
        return None if self.organisation == VENDOR else self.organisation

    def as_caller(
        self, authenticated_at: datetime, correlation_id: str, tenants: frozenset[str] | None = None
    ) -> Caller:
        """Return this account as the caller of an RPC; `tenants` are those that its token names."""
        return Caller(
            email=self.email,
            organisation=self.organisation,
            roles=frozenset(map(Role, self.roles)),
            authenticated_at=authenticated_at,
            correlation_id=correlation_id,
            tenants=tenants,
        )
