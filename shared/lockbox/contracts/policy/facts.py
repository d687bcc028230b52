"""Facts of a policy."""

from dataclasses import dataclass
from typing import ClassVar

from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Email, TenantName
from lockbox.contracts.policy.document import PolicySettings


@dataclass(frozen=True, kw_only=True)
class PolicyChanged(PolicySettings, Fact, source="approval_service", subject="tenant"):
    """A tenant's policy is now this; `proposed_by` is set where a second administrator had to agree."""

    dataversion: ClassVar[int] = 2

    tenant: TenantName
    version: int
    proposed_by: Email | None = None


@dataclass(frozen=True, kw_only=True)
class PolicyChangeProposed(Fact, source="approval_service", subject="tenant"):
    """An administrator wants the policy to be this; it is not in force until another one agrees."""

    tenant: TenantName
    version: int
    digest: str
    settings: PolicySettings


@dataclass(frozen=True, kw_only=True)
class PolicyChangeRejected(Fact, source="approval_service", subject="tenant"):
    """The proposed policy is off the table."""

    tenant: TenantName
    version: int
    digest: str
    comment: str
