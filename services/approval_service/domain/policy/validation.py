"""Validation of a policy as a whole: each fault with its path. A policy with a fault is never in force."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import combinations

from approval_service.domain.people import People, assign, unfilled
from approval_service.domain.policy import hours as weekly
from approval_service.domain.policy.budget import Budget
from lockbox.contracts.fields import format_duration
from lockbox.contracts.identity import Role
from lockbox.contracts.policy.document import (
    DECIDING_ROLES,
    MOST_GROUPS_OF_ALL,
    MOST_MEMBERS_OF_ALL,
    MOST_PATTERNS,
    Condition,
    Freeze,
    Group,
    Hours,
    PolicySettings,
    Rule,
    Side,
    StagePlan,
)
from lockbox.contracts.policy.operations import DecidePolicyChange
from lockbox.errors import Invalid
from lockbox.faults import Expected, Fault
from lockbox.values.time_zones import is_time_zone

WHO_AGREE = 2


@dataclass(frozen=True)
class Wrong:
    """One fault of a policy: the code of the error, the path, the value expected and the value found."""

    code: str
    field: str
    expected: Expected
    received: object

    @property
    def fault(self) -> Fault:
        """Return the fault as an error carries it."""
        return self.expected.fault(self.field, self.received)


def check(
    policy: PolicySettings,
    people: People,
    in_force: Iterable[StagePlan] = (),
    path: str = "",
    budget: Budget | None = None,
) -> None:
    """Raise `Invalid` with every fault; its code is that of the first, `path` goes before the path of each.

    A policy beyond the limits of its size has those faults alone: the rest is not looked at.

    Stages that are in force are not looked at again for people, so that a tenant whose approvers have left can
    change the rest.
    """
    found = list(_too_complex(policy)) or _faults(policy, people, tuple(in_force), budget or Budget())
    faults = [replace(wrong, field=path + wrong.field) for wrong in found]
    if faults:
        first = faults[0]
        text = f"{first.field}: expected {first.expected.text}, got {first.received!r}"
        raise Invalid(first.code, text, [wrong.fault for wrong in faults])


def _too_complex(policy: PolicySettings) -> Iterator[Wrong]:
    stages = (*policy.stages, *(rule.stage for rule in policy.rules if rule.stage))
    groups = [group for stage in stages for group in stage.groups]
    for field, of, most, number in (
        ("rules", "resource patterns of all rules", MOST_PATTERNS, sum(map(_patterns, policy.rules))),
        ("stages", "groups of all stages", MOST_GROUPS_OF_ALL, len(groups)),
        ("stages", "members of all groups", MOST_MEMBERS_OF_ALL, sum(len(group.members) for group in groups)),
    ):
        if number > most:
            yield Wrong("policy_too_complex", field, Expected("too_many", most=most, of=of), number)


def _patterns(rule: Rule) -> int:
    return len(rule.when.resources or ())


def _faults(policy: PolicySettings, people: People, in_force: Sequence[StagePlan], budget: Budget) -> Iterator[Wrong]:
    yield from _contradictions(policy)
    yield from _stages(policy, people, in_force)
    for number, rule in enumerate(policy.rules):
        budget.spend(_steps(rule, people))
        yield from _rule(f"rules.{number}", rule, policy, people, in_force)
    yield from _unreachable(policy.rules)
    yield from _freezes(policy.freezes)
    for field, named in (("stages", policy.stages), ("rules", policy.rules), ("freezes", policy.freezes)):
        yield from _repeated(field, [one.name for one in named])


def _steps(rule: Rule, people: People) -> int:
    """Return the steps of a rule's check: each group of a stage looks at the people once or more."""
    return 1 + (len(rule.stage.groups) * len(people.known) if rule.stage else 0)


def _contradictions(policy: PolicySettings) -> Iterator[Wrong]:
    if policy.audit_only and policy.require_approval:
        yield Wrong("policy_contradictory", "audit_only", Expected("audit_only_with_approval"), policy.audit_only)
    for shorter, longer in (("default_duration", "maximum_duration"), ("maximum_duration", "maximum_total")):
        least, most = getattr(policy, shorter), getattr(policy, longer)
        if least > most:
            expected = Expected("longer_than_setting", setting=longer, most=format_duration(most))
            yield Wrong("policy_contradictory", shorter, expected, format_duration(least))


def _stages(policy: PolicySettings, people: People, in_force: Sequence[StagePlan]) -> Iterator[Wrong]:
    needed = Side.CUSTOMER if policy.require_approval else Side.VENDOR
    if not policy.audit_only and not any(stage.side == needed for stage in policy.stages):
        yield Wrong(
            "policy_without_stage",
            "stages",
            Expected("no_stage_of_side", side=needed.value, require_approval=policy.require_approval),
            [stage.name for stage in policy.stages],
        )
    if policy.audit_only and not policy.stages:
        yield Wrong("policy_without_stage", "stages", Expected("no_stage"), [])
    for number, stage in enumerate(policy.stages):
        yield from _stage(f"stages.{number}", stage, people, stage in in_force)
    agreeing = {person for role in DecidePolicyChange.roles for person in people.with_role(role, Side.CUSTOMER)}
    if policy.four_eyes and len(agreeing) < WHO_AGREE:
        yield Wrong("policy_four_eyes_alone", "four_eyes", Expected("no_second_administrator"), True)


def _stage(path: str, stage: StagePlan, people: People, known: bool) -> Iterator[Wrong]:
    yield from _repeated(f"{path}.groups", [group.name for group in stage.groups])
    for number, group in enumerate(stage.groups):
        yield from _members(f"{path}.groups.{number}", group, stage.side)
        if not known:
            yield from _reachable(f"{path}.groups.{number}", group, stage.side, people)
    if not known:
        yield from _together(path, stage, people)


def _members(path: str, group: Group, side: Side) -> Iterator[Wrong]:
    for number, member in enumerate(group.members):
        if "@" not in member and member not in DECIDING_ROLES[side]:
            expected = Expected("not_a_role_of_side", roles=list(DECIDING_ROLES[side]))
            yield Wrong("policy_member_unknown", f"{path}.members.{number}", expected, member)


def _reachable(path: str, group: Group, side: Side, people: People) -> Iterator[Wrong]:
    eligible = people.eligible(group, side)
    for number, member in enumerate(group.members):
        if "@" in member and member not in eligible:
            unqualified = Expected("person_without_role", roles=list(DECIDING_ROLES[side]))
            yield Wrong("policy_member_unknown", f"{path}.members.{number}", unqualified, member)
    if group.approvals > len(eligible):
        expected = Expected("more_than_deciders", most=len(eligible))
        yield Wrong("policy_quorum_unreachable", f"{path}.approvals", expected, group.approvals)


def _together(path: str, stage: StagePlan, people: People) -> Iterator[Wrong]:
    """Check that all groups can be satisfied at once, as one person counts once, and that denials can be final."""
    eligible = {group.name: people.eligible(group, stage.side) for group in stage.groups}
    everybody = frozenset[str]().union(*eligible.values())
    places = {group.name: min(group.approvals, len(eligible[group.name])) for group in stage.groups}
    groups_of = {email: [name for name in places if email in eligible[name]] for email in sorted(everybody)}
    if unfilled(assign(groups_of, places), places):
        expected = Expected("groups_share_people")
        yield Wrong("policy_quorum_unreachable", f"{path}.groups", expected, [group.name for group in stage.groups])
    if stage.denials > max(len(everybody), 1):
        expected = Expected("more_than_deciders", most=len(everybody))
        yield Wrong("policy_quorum_unreachable", f"{path}.denials", expected, stage.denials)


def _rule(
    path: str, rule: Rule, policy: PolicySettings, people: People, in_force: Sequence[StagePlan]
) -> Iterator[Wrong]:
    if (rule.stage is not None) != (rule.then == "add_stage"):
        expected = Expected("rule_without_stage" if rule.stage is None else "rule_with_stage")
        yield Wrong("policy_rule_incomplete", f"{path}.stage", expected, rule.stage and rule.stage.name)
    if rule.stage is not None:
        yield from _stage(f"{path}.stage", rule.stage, people, rule.stage in in_force)
        if rule.stage.name in [stage.name for stage in policy.stages]:
            yield Wrong("policy_name_repeated", f"{path}.stage.name", Expected("stage_name_repeated"), rule.stage.name)
    yield from _condition(f"{path}.when", rule.when, policy.maximum_duration, people)


def _condition(path: str, when: Condition, longest: timedelta, people: People) -> Iterator[Wrong]:
    most = min(longest, when.at_most or longest)
    if when.longer_than is not None and when.longer_than >= most:
        expected = Expected("longer_than_any_request", most=format_duration(most))
        yield Wrong("policy_matches_nothing", f"{path}.longer_than", expected, format_duration(when.longer_than))
    engineers = people.with_role(Role.ENGINEER, Side.VENDOR)
    for number, email in enumerate(when.engineers or ()):
        if email not in engineers:
            yield Wrong("policy_member_unknown", f"{path}.engineers.{number}", Expected("not_an_engineer"), email)
    for field, hours in (("arrives", when.arrives), ("access", when.access)):
        if hours is not None:
            yield from _hours(f"{path}.{field}", hours)


def _hours(path: str, hours: Hours) -> Iterator[Wrong]:
    yield from _zone(path, hours.time_zone)
    if hours.since in (hours.until, weekly.END_OF_DAY):
        yield Wrong("policy_matches_nothing", f"{path}.since", Expected("empty_hours"), hours.since)


def _unreachable(rules: Sequence[Rule]) -> Iterator[Wrong]:
    """Find the rule that is never reached, as the one before matches every request."""
    for number, rule in enumerate(rules[:-1]):
        if rule.when == Condition():
            expected = Expected("rule_never_reached", rule=number)
            yield Wrong("policy_matches_nothing", f"rules.{number + 1}", expected, rules[number + 1].name)
            return


def _freezes(freezes: Sequence[Freeze]) -> Iterator[Wrong]:
    unzoned = [list(_zone(f"freezes.{number}", freeze.time_zone)) for number, freeze in enumerate(freezes)]
    for faults in unzoned:
        yield from faults
    known = [number for number, faults in enumerate(unzoned) if not faults]
    during = {number: weekly.frozen(freezes[number]) for number in known}
    for number in known:
        if during[number].end <= during[number].start:
            expected = Expected("freeze_without_time", starts=freezes[number].starts)
            yield Wrong("policy_matches_nothing", f"freezes.{number}.ends", expected, freezes[number].ends)
    for one, other in combinations(known, 2):
        if during[one].touches(during[other]):
            expected = Expected("freezes_overlap", name=freezes[one].name)
            yield Wrong("policy_freezes_overlap", f"freezes.{other}", expected, freezes[other].name)


def _zone(path: str, name: str) -> Iterator[Wrong]:
    if not is_time_zone(name):
        yield Wrong("policy_time_zone_unknown", f"{path}.time_zone", Expected("time_zone_unknown"), name)


def _repeated(field: str, names: Sequence[str]) -> Iterator[Wrong]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield Wrong("policy_name_repeated", f"{field}.{number}.name", Expected("name_repeated"), name)
