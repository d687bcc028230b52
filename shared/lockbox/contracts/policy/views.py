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
    """A group of a stage; `eligible` are its known members with a deciding role, without the requester."""

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
    """The outcome that a request would have, and the reasons; `version` is null for a document not in force.

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
    """One difference between two policies: its path, and the values before and after (null: nothing)."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class PolicyDiff:
    """The differences between a document and the version in force; `digest` is that of the document."""

    version: int
    digest: str
    differences: tuple[PolicyDifference, ...]
