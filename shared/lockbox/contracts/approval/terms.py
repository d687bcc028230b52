"""Values that facts and views of an approval share."""

from dataclasses import dataclass, field
from typing import Any, Literal

from lockbox.contracts.fields import Action, Duration, Email, Flag, Resource, Timestamp
from lockbox.contracts.policy.document import BreakGlass, Freeze, Rule, StagePlan
from lockbox.contracts.request.terms import longer_than_zero, some_distinct

Verdict = Literal["approve", "deny"]


def narrower(most: int, what: str) -> Any:
    """Return the field of a list that may be left out and otherwise names at least one thing."""
    return field(default=None, metadata=some_distinct(most, what))


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The changes that an approver makes to the terms, each to less than was asked; null changes nothing."""

    duration: Duration | None = field(default=None, metadata=longer_than_zero())
    resources: tuple[Resource, ...] | None = narrower(100, "resources")
    actions: tuple[Action, ...] | None = narrower(20, "actions")
    starts_at: Timestamp | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of one version of a tenant's policy for one request; a later version does not change them."""

    policy_version: int
    comment_on_denial: Flag
    maximum_total: Duration
    frozen: tuple[Freeze, ...]
    break_glass: BreakGlass


@dataclass(frozen=True, kw_only=True)
class PolicyExcerpt:
    """The part of one version of a tenant's policy that decides which stages a request needs.

    `rules` are those that can match this request at any time. The policy is evaluated again by it when access would
    open and when more time is asked for; a later version does not change it.
    """

    arrived_at: Timestamp
    require_approval: Flag
    audit_only: Flag
    stages: tuple[StagePlan, ...]
    rules: tuple[Rule, ...]
    freezes: tuple[Freeze, ...]


@dataclass(frozen=True, kw_only=True)
class Note:
    """A question of an approver, or an answer of the engineer; each kind counts from 1."""

    kind: Literal["question", "answer"]
    number: int
    by: Email
    at: Timestamp
    text: str
