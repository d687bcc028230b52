"""Views of a policy: the document in force, differences, forecasts."""

from dataclasses import dataclass
from typing import Any, Literal

from lockbox.contracts.fields import Duration, Email, TenantName, Timestamp, Title
from lockbox.contracts.policy.document import Member, PolicySettings, Side


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A change that waits for a second administrator; `digest` is the SHA-256 of its canonical JSON."""

    settings: PolicySettings
    digest: str
    proposed_by: Email
    proposed_at: Timestamp


@dataclass(frozen=True, kw_only=True)
class PolicyView(PolicySettings):
    """A tenant's policy and its version, counted from 1."""

    tenant: TenantName
    version: int
    changed_at: Timestamp
    changed_by: str
    proposal: Proposal | None = None


@dataclass(frozen=True, kw_only=True)
class GroupForecast:
    """A group of a stage, and who of it could decide: known people with a role that decides, without the asker."""

    name: Title
    approvals: int
    members: tuple[Member, ...]
    eligible: tuple[Email, ...]


@dataclass(frozen=True, kw_only=True)
class StageForecast:
    """A stage that a request would have to pass."""

    name: Title
    side: Side
    denials: int
    groups: tuple[GroupForecast, ...]


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What would happen to a request, and why; `version` is null for a document that is not in force.

    `outcome`: `decide` if people would, `approve` or `deny` if it would happen by itself.
    """

    outcome: Literal["decide", "approve", "deny"]
    why: tuple[str, ...]
    rule: str | None
    stages: tuple[StageForecast, ...]
    duration: Duration
    version: int | None


@dataclass(frozen=True, kw_only=True)
class PolicyDifference:
    """One part of a policy that would change: its path, what is there (null: nothing), and what would be."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class PolicyDiff:
    """What a document would change of the version that is in force; `digest` is that of the document."""

    version: int
    digest: str
    differences: tuple[PolicyDifference, ...]
