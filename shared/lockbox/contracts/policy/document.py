"""The policy document: stages, groups, rules, freezes, limits."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from lockbox.contracts import rules, wire
from lockbox.contracts.fields import (
    EMAIL,
    Action,
    Comment,
    Count,
    Duration,
    Email,
    Flag,
    Resource,
    TextField,
    Title,
    format_duration,
)
from lockbox.contracts.identity import Role
from lockbox.contracts.policy.local_time import LocalTime, TimeOfDay, TimeZone
from lockbox.contracts.request.terms import Pattern, ReasonCode, Severity, some_distinct
from lockbox.contracts.rules import TextPattern, violation
from lockbox.contracts.text_rules import one_address

MOST_STAGES, MOST_GROUPS, MOST_MEMBERS, MOST_RULES, MOST_FREEZES = 10, 10, 100, 200, 50
MOST_APPROVALS = 10
MOST_PATTERNS, MOST_GROUPS_OF_ALL, MOST_MEMBERS_OF_ALL = 2_000, 200, 2_000
"""Resource patterns of all rules; groups and members of all stages, those of rules included."""


class Side(StrEnum):
    """The side that decides in a stage."""

    VENDOR = "VENDOR"
    CUSTOMER = "CUSTOMER"


DECIDING_ROLES = {
    Side.VENDOR: (Role.VENDOR_APPROVER,),
    Side.CUSTOMER: (Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN),
}
"""The roles of which a side needs at least one to decide, in every policy."""

DECIDERS: tuple[Role, ...] = tuple(role for roles in DECIDING_ROLES.values() for role in roles)
"""The roles that decide for either side."""


class MemberField(TextField):
    """A member of a group: all people of a role, or one person by address."""

    roles = tuple(role.value for role in DECIDERS)
    pattern = re.compile(rf"(?:{'|'.join(roles)})\Z|{EMAIL}")
    rule = (TextPattern(pattern, "not_a_member", roles=list(roles)), one_address)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        return text.lower() if isinstance(text, str) else text


Member = Annotated[str, MemberField]
Day = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
DAYS: tuple[Day, ...] = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def between(least: timedelta, most: timedelta) -> dict[str, Any]:
    """Return the rule of a duration with bounds, both included."""

    def check(duration: timedelta) -> None:
        if not least <= duration <= most:
            raise violation("duration_out_of_range", least=format_duration(least), most=format_duration(most))

    return {"validate": check}


def from_one_to(most: int) -> dict[str, Any]:
    """Return the rule of a number of people."""
    return {"validate": rules.Bounds(1, most)}


def at_most(most: int, of: str) -> dict[str, Any]:
    """Return the rule of a list that may be empty."""
    return {"validate": rules.at_most(most, of)}


def some(of: str, most: int = 100) -> Any:
    """Return the field of a condition that one of several things meets; null or left out, all meet it."""
    return field(default=None, metadata=some_distinct(most, of))


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group of people and the number of approvals needed from them."""

    name: Title
    members: tuple[Member, ...] = field(metadata=some_distinct(MOST_MEMBERS, "members"))
    approvals: Count = field(default=1, metadata=from_one_to(MOST_APPROVALS))


@dataclass(frozen=True, kw_only=True)
class StagePlan:
    """One stage: every group has to be satisfied, and so many noes are final. One person counts once in a stage."""

    name: Title
    side: Side
    groups: tuple[Group, ...] = field(metadata={"validate": rules.count(1, MOST_GROUPS, "groups")})
    denials: Count = field(default=1, metadata=from_one_to(MOST_APPROVALS))


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Times of the week, such as MO to FR from 08:00 to 18:00; `until` before `since` means the next day."""

    since: TimeOfDay
    until: TimeOfDay
    time_zone: TimeZone
    days: tuple[Day, ...] = field(default=DAYS, metadata=some_distinct(7, "days"))


@dataclass(frozen=True, kw_only=True)
class Condition:
    """The condition of a rule: requests that meet all that is named here.

    A rule that opens has to cover all of a request: every resource, every action, the whole access. A rule that
    closes, or adds a stage, is met as soon as any of it is touched.
    """

    reason_codes: tuple[ReasonCode, ...] | None = some("reason codes")
    resources: tuple[Resource, ...] | None = some("resources")
    actions: tuple[Action, ...] | None = some("actions")
    severities: tuple[Severity, ...] | None = some("severities")
    engineers: tuple[Email, ...] | None = some("engineers")
    longer_than: Duration | None = None
    at_most: Duration | None = None
    arrives: Hours | None = None
    access: Hours | None = None


Effect = Literal["add_stage", "auto_approve", "auto_deny"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule for certain requests. The first rule that matches counts, and no other."""

    name: Title
    when: Condition = field(default_factory=Condition)
    then: Effect
    stage: StagePlan | None = None
    comment: Comment = ""


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """A time in which nothing is approved automatically, or in which there is no access at all."""

    name: Title
    starts: LocalTime
    ends: LocalTime
    time_zone: TimeZone
    effect: Literal["no_auto_approval", "no_access"]


@dataclass(frozen=True, kw_only=True)
class BreakGlass:
    """Whether two of the vendor's approvers may open a short access at once, to be acknowledged by the customer."""

    allowed: Flag = False
    duration: Duration = field(default=timedelta(hours=1), metadata=between(timedelta(minutes=1), timedelta(hours=4)))


DEFAULT_STAGES = (
    StagePlan(
        name="Vendor", side=Side.VENDOR, groups=(Group(name="Vendor approvers", members=(Role.VENDOR_APPROVER.value,)),)
    ),
    StagePlan(
        name="Customer", side=Side.CUSTOMER, groups=(Group(name="Approvers", members=(Role.CUSTOMER_APPROVER.value,)),)
    ),
)


@dataclass(frozen=True, kw_only=True)
class PolicySettings:
    """The settings of a tenant's policy.

    `require_approval` off leaves out the customer's stages; `audit_only` leaves out all, so that access opens at once
    and is on record; `four_eyes` lets a change of the policy wait for a second administrator. `maximum_total` is the
    cap on a grant with all its extensions. `service_request_pattern` (null: any) is how a support case's number looks.
    """

    require_approval: Flag = True
    audit_only: Flag = False
    four_eyes: Flag = False
    comment_on_denial: Flag = False
    request_lifetime: Duration = field(
        default=timedelta(hours=12), metadata=between(timedelta(seconds=1), timedelta(days=7))
    )
    default_duration: Duration = field(
        default=timedelta(hours=4), metadata=between(timedelta(seconds=1), timedelta(hours=24))
    )
    maximum_duration: Duration = field(
        default=timedelta(hours=4), metadata=between(timedelta(seconds=1), timedelta(hours=24))
    )
    maximum_total: Duration = field(
        default=timedelta(hours=8), metadata=between(timedelta(seconds=1), timedelta(days=7))
    )
    service_request_pattern: Pattern | None = None
    stages: tuple[StagePlan, ...] = field(default=DEFAULT_STAGES, metadata=at_most(MOST_STAGES, "stages"))
    rules: tuple[Rule, ...] = field(default=(), metadata=at_most(MOST_RULES, "rules"))
    freezes: tuple[Freeze, ...] = field(default=(), metadata=at_most(MOST_FREEZES, "freezes"))
    break_glass: BreakGlass = field(default_factory=BreakGlass)

    def settings(self) -> dict[str, Any]:
        """Return the settings alone, as keyword arguments."""
        return wire.named(PolicySettings, self)


DEFAULT_SETTINGS = PolicySettings()
