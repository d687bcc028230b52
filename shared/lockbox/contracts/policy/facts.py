"""Facts of a policy."""

from dataclasses import dataclass
from typing import ClassVar

from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Email, TenantName
from lockbox.contracts.policy.document import PolicySettings


@dataclass(frozen=True, kw_only=True)
class PolicyChanged(PolicySettings, Fact, source="approval_service", subject="tenant"):
    """A tenant's policy changed; `proposed_by` is set if a second administrator agreed to it."""

    dataversion: ClassVar[int] = 2

    tenant: TenantName
    version: int
    proposed_by: Email | None = None


@dataclass(frozen=True, kw_only=True)
class PolicyChangeProposed(Fact, source="approval_service", subject="tenant"):
    """An administrator proposed a change of the policy; it is in force when another one agrees."""

    tenant: TenantName
    version: int
    digest: str
    settings: PolicySettings


@dataclass(frozen=True, kw_only=True)
class PolicyChangeRejected(Fact, source="approval_service", subject="tenant"):
    """A proposed change of the policy was rejected or withdrawn."""

    tenant: TenantName
    version: int
    digest: str
    comment: str
