"""Every fault that keeps a policy from coming into force, with the path to it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from approval_service.domain.people import People, Person
from approval_service.domain.policy.validation import check
from lockbox.contracts.identity import Role
from lockbox.contracts.policy.document import (
    DEFAULT_SETTINGS,
    DEFAULT_STAGES,
    Condition,
    Freeze,
    Group,
    Hours,
    Rule,
    Side,
    StagePlan,
)
from lockbox.errors import Invalid

VENDOR, CUSTOMER = DEFAULT_STAGES
PEOPLE = People.of(
    "contoso",
    [
        Person("erin@vendor.example", "vendor", frozenset({Role.ENGINEER})),
        Person("victor@vendor.example", "vendor", frozenset({Role.VENDOR_APPROVER})),
        Person("alice@contoso.example", "contoso", frozenset({Role.CUSTOMER_APPROVER})),
        Person("ann@contoso.example", "contoso", frozenset({Role.CUSTOMER_APPROVER})),
        Person("carol@contoso.example", "contoso", frozenset({Role.CUSTOMER_ADMIN})),
        Person("aaron@contoso.example", "contoso", frozenset({Role.CUSTOMER_AUDITOR})),
    ],
)
NOBODY = People.of("contoso", [])
ALWAYS = Hours(since="00:00", until="24:00", time_zone="UTC")


def faults(people: People = PEOPLE, in_force: Iterable[StagePlan] = (), **changes: Any) -> list[tuple[str, str]]:
    """The code, then the path of each fault."""
    try:
        check(replace(DEFAULT_SETTINGS, **changes), people, in_force)
    except Invalid as refused:
        return [(refused.code, fault["field"]) for fault in refused.faults]
    return []


def group(*members: str, name: str = "Approvers", approvals: int = 1) -> Group:
    return Group(name=name, members=members, approvals=approvals)


def stage(*groups: Group, name: str = "Customer", side: Side = Side.CUSTOMER, denials: int = 1) -> StagePlan:
    return StagePlan(name=name, side=side, groups=groups, denials=denials)


def rule(name: str = "rule", then: Any = "auto_deny", extra: StagePlan | None = None, **when: Any) -> Rule:
    return Rule(name=name, then=then, when=Condition(**when), stage=extra)


def freeze(name: str, starts: str, ends: str, zone: str = "Europe/Berlin") -> Freeze:
    return Freeze(name=name, starts=starts, ends=ends, time_zone=zone, effect="no_access")


def test_policy_when_all_is_well_has_no_faults() -> None:
    assert faults() == []
    assert faults(stages=(VENDOR, stage(group("alice@contoso.example"), group("customer_admin", name="Admins")))) == []


def test_policy_when_several_things_are_wrong_names_them_all() -> None:
    found = faults(audit_only=True, maximum_duration=timedelta(hours=9))
    assert found == [("policy_contradictory", "audit_only"), ("policy_contradictory", "maximum_duration")]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"audit_only": True}, "audit_only"),
        ({"default_duration": timedelta(hours=5)}, "default_duration"),
        ({"maximum_total": timedelta(hours=1)}, "maximum_duration"),
    ],
)
def test_policy_when_it_contradicts_itself_is_refused(changes: dict[str, Any], path: str) -> None:
    assert faults(**changes) == [("policy_contradictory", path)]


@pytest.mark.parametrize(
    "changes",
    [
        {"stages": ()},
        {"stages": (VENDOR,)},
        {"stages": (CUSTOMER,), "require_approval": False},
        {"stages": (), "require_approval": False, "audit_only": True},
    ],
)
def test_policy_when_no_stage_would_decide_is_refused(changes: dict[str, Any]) -> None:
    assert faults(**changes) == [("policy_without_stage", "stages")]


def test_stage_when_its_quorum_is_more_than_its_people_is_refused() -> None:
    wide = stage(group("customer_approver", approvals=3))
    assert ("policy_quorum_unreachable", "stages.1.groups.0.approvals") in faults(stages=(VENDOR, wide))
    assert faults(stages=(VENDOR, stage(group("customer_approver", approvals=2)))) == []


def test_stage_when_one_person_would_have_to_count_twice_is_refused() -> None:
    alone = stage(group("alice@contoso.example"), group("alice@contoso.example", name="Legal"))
    assert faults(stages=(VENDOR, alone)) == [("policy_quorum_unreachable", "stages.1.groups")]


def test_stage_when_not_enough_people_can_deny_is_refused() -> None:
    mute = stage(group("customer_approver"), denials=3)
    assert faults(stages=(VENDOR, mute)) == [("policy_quorum_unreachable", "stages.1.denials")]


@pytest.mark.parametrize(
    "member", ["nobody@contoso.example", "aaron@contoso.example", "victor@vendor.example", "frank@fabrikam.example"]
)
def test_stage_when_a_member_is_nobody_who_decides_is_refused(member: str) -> None:
    found = faults(stages=(VENDOR, stage(group("customer_approver", member))))
    assert found == [("policy_member_unknown", "stages.1.groups.0.members.1")]


def test_stage_when_a_role_is_of_the_other_side_is_refused() -> None:
    assert ("policy_member_unknown", "stages.1.groups.0.members.0") in faults(
        stages=(VENDOR, stage(group("vendor_approver")))
    )


def test_stage_when_a_change_would_lock_out_every_approver_is_refused() -> None:
    assert ("policy_quorum_unreachable", "stages.1.groups.0.approvals") in faults(NOBODY)


def test_stage_when_it_is_in_force_already_does_not_stand_in_the_way_of_other_changes() -> None:
    assert faults(NOBODY, DEFAULT_STAGES, comment_on_denial=True) == []


def test_four_eyes_when_there_is_one_administrator_is_refused() -> None:
    assert faults(four_eyes=True) == [("policy_four_eyes_alone", "four_eyes")]


def test_names_when_given_twice_are_refused() -> None:
    twice = (VENDOR, stage(group("customer_approver")), stage(group("customer_admin"), name="Customer"))
    assert faults(stages=twice) == [("policy_name_repeated", "stages.2.name")]
    groups = stage(group("alice@contoso.example"), group("ann@contoso.example"))
    assert faults(stages=(VENDOR, groups)) == [("policy_name_repeated", "stages.1.groups.1.name")]
    rules = (rule(actions=("read",)), rule(actions=("write",)))
    assert faults(rules=rules) == [("policy_name_repeated", "rules.1.name")]


@pytest.mark.parametrize(
    ("then", "extra"), [("add_stage", None), ("auto_deny", stage(group("customer_admin"), name="More"))]
)
def test_rule_when_its_stage_is_missing_or_for_nothing_is_refused(then: Any, extra: StagePlan | None) -> None:
    assert faults(rules=(rule(then=then, extra=extra),)) == [("policy_rule_incomplete", "rules.0.stage")]


def test_rule_when_the_stage_that_it_adds_cant_be_passed_is_refused() -> None:
    extra = stage(group("customer_admin", approvals=2), name="Admins")
    found = faults(rules=(rule(then="add_stage", extra=extra),))
    assert found == [("policy_quorum_unreachable", "rules.0.stage.groups.0.approvals")]


def test_rule_when_the_stage_that_it_adds_has_the_name_of_another_is_refused() -> None:
    extra = stage(group("customer_admin"), name="Customer")
    assert faults(rules=(rule(then="add_stage", extra=extra),)) == [("policy_name_repeated", "rules.0.stage.name")]


@pytest.mark.parametrize(
    ("when", "path"),
    [
        ({"longer_than": timedelta(hours=4)}, "when.longer_than"),
        ({"longer_than": timedelta(hours=2), "at_most": timedelta(hours=1)}, "when.longer_than"),
        ({"access": replace(ALWAYS, since="24:00")}, "when.access.since"),
        ({"arrives": replace(ALWAYS, until="00:00")}, "when.arrives.since"),
    ],
)
def test_rule_when_nothing_can_match_it_is_refused(when: dict[str, Any], path: str) -> None:
    assert faults(rules=(rule(**when),)) == [("policy_matches_nothing", f"rules.0.{path}")]


def test_rule_when_one_before_it_matches_everything_is_refused() -> None:
    rules = (rule("all"), rule("some", actions=("read",)), rule("more", actions=("write",)))
    assert faults(rules=rules) == [("policy_matches_nothing", "rules.1")]


def test_rule_when_it_names_somebody_who_is_no_engineer_is_refused() -> None:
    assert faults(rules=(rule(engineers=("erin@vendor.example",)),)) == []
    found = faults(rules=(rule(engineers=("victor@vendor.example",)),))
    assert found == [("policy_member_unknown", "rules.0.when.engineers.0")]


@pytest.mark.parametrize("zone", ["Mars/Phobos", "Europe", ".", "localtime", "posixrules", "Factory", "right/UTC"])
def test_time_zone_when_it_is_not_known_is_refused(zone: str) -> None:
    when = {"arrives": replace(ALWAYS, time_zone=zone)}
    assert faults(rules=(rule(**when),)) == [("policy_time_zone_unknown", "rules.0.when.arrives.time_zone")]
    frozen = (freeze("x", "2026-12-01T00:00", "2026-12-02T00:00", zone),)
    assert faults(freezes=frozen) == [("policy_time_zone_unknown", "freezes.0.time_zone")]


def test_freezes_when_they_overlap_are_refused_across_time_zones_too() -> None:
    first = freeze("one", "2026-12-01T00:00", "2026-12-02T00:00")
    after = freeze("two", "2026-12-02T00:00", "2026-12-03T00:00")
    east = replace(after, time_zone="Asia/Tokyo")
    assert faults(freezes=(first, after)) == []
    assert faults(freezes=(first, east)) == [("policy_freezes_overlap", "freezes.1")]


@pytest.mark.parametrize("ends", ["2026-12-01T00:00", "2026-11-30T00:00"])
def test_freeze_when_it_ends_before_it_begins_is_refused(ends: str) -> None:
    frozen = (freeze("x", "2026-12-01T00:00", ends),)
    assert faults(freezes=frozen) == [("policy_matches_nothing", "freezes.0.ends")]
