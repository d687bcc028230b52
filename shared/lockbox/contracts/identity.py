"""The caller of an RPC: the person or machine that the portal has authenticated, and its roles."""

from dataclasses import dataclass
from enum import StrEnum

from lockbox.contracts.events import VENDOR, Cause
from lockbox.contracts.fields import Email, Timestamp, Uuid
from lockbox.errors import NotFound


class Role(StrEnum):
    """A set of operations that a caller may use; docs/permissions.md lists them."""

    ENGINEER = "engineer"
    VENDOR_APPROVER = "vendor_approver"
    VENDOR_AUDITOR = "vendor_auditor"
    OPERATOR = "operator"
    ENFORCEMENT_POINT = "enforcement_point"
    CUSTOMER_APPROVER = "customer_approver"
    CUSTOMER_ADMIN = "customer_admin"
    CUSTOMER_AUDITOR = "customer_auditor"


VENDOR_ROLES = frozenset(
    {Role.ENGINEER, Role.VENDOR_APPROVER, Role.VENDOR_AUDITOR, Role.OPERATOR, Role.ENFORCEMENT_POINT}
)
CUSTOMER_ROLES = frozenset(Role) - VENDOR_ROLES
ALL_TENANTS = "*"
"""The name of all tenants, in the token of an enforcement point."""


@dataclass(frozen=True)
class Caller:
    """A verified caller; `organisation` is `vendor` or the name of a tenant.

    `tenants`: those that the token of an enforcement point names; None for every other caller.
    """

    email: Email
    organisation: str
    roles: frozenset[Role]
    authenticated_at: Timestamp
    correlation_id: Uuid
    tenants: frozenset[str] | None = None

    @property
    def is_vendor(self) -> bool:
        """Tell whether the caller belongs to the vendor."""
        return self.organisation == VENDOR

    def has(self, *roles: Role) -> bool:
        """Tell whether the caller has one of these roles, in the organisation that the role belongs to."""
        fitting = VENDOR_ROLES if self.is_vendor else CUSTOMER_ROLES
        return bool(self.roles & fitting & set(roles))

    def is_for(self, tenant: str) -> bool:
        """Tell whether the caller's token names this tenant, or all; a caller without such a token has none."""
        return self.tenants is not None and not self.tenants.isdisjoint((tenant, ALL_TENANTS))

    @property
    def sees_all(self) -> bool:
        """Tell whether the caller may know of all requests: at the vendor of every tenant, at a customer of its own."""
        return self.has(Role.VENDOR_APPROVER, Role.VENDOR_AUDITOR, *CUSTOMER_ROLES)

    def sees(self, tenant: str, requester: str) -> bool:
        """Tell whether the caller may know of a request to this tenant by this engineer.

        A customer sees all of its own; at the vendor, approvers and auditors see all, engineers their own requests.
        """
        if self.is_vendor:
            return self.email == requester or self.sees_all
        return self.organisation == tenant and self.sees_all

    def require_sight(self, noun: str, tenant: str, requester: str) -> None:
        """Raise `NotFound`, as if it did not exist, unless the caller may know of it."""
        if not self.sees(tenant, requester):
            raise NotFound(f"{noun}_not_found", f"there is no such {noun}")

    def cause(self) -> Cause:
        """Return the caller as the cause of a change."""
        return Cause(actor=self.email, correlation_id=self.correlation_id)
