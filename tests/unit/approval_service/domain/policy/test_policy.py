from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import NOW, policy, quorum

from approval_service.domain.people import People, Person
from approval_service.domain.policy.policy import Policy, digest_of
from lockbox.contracts import wire
from lockbox.contracts.identity import Role
from lockbox.contracts.policy.document import (
    DEFAULT_SETTINGS,
    DEFAULT_STAGES,
    BreakGlass,
    Condition,
    Freeze,
    PolicySettings,
    Rule,
)
from lockbox.contracts.policy.facts import PolicyChanged
from lockbox.errors import Conflict, Invalid

LATER = NOW + timedelta(days=1)
BY = "carol@contoso.example"
PEOPLE = People.of(
    "contoso",
    [
        Person("victor@vendor.example", "vendor", frozenset({Role.VENDOR_APPROVER})),
        *(Person(f"{name}@contoso.example", "contoso", frozenset({Role.CUSTOMER_APPROVER})) for name in "abcd"),
    ],
)


def settings(**changes: Any) -> PolicySettings:
    return replace(DEFAULT_SETTINGS, **changes)


def test_defaults_when_nothing_is_decided_are_those_of_the_product() -> None:
    assert (DEFAULT_SETTINGS.require_approval, DEFAULT_SETTINGS.audit_only) == (True, False)
    assert (DEFAULT_SETTINGS.request_lifetime, DEFAULT_SETTINGS.maximum_duration) == (
        timedelta(hours=12),
        timedelta(hours=4),
    )
    assert [(stage.side, stage.groups[0].approvals) for stage in DEFAULT_STAGES] == [("VENDOR", 1), ("CUSTOMER", 1)]
    assert DEFAULT_SETTINGS.break_glass.allowed is False


def test_first_when_a_tenant_begins_has_the_defaults_as_version_one() -> None:
    changed = Policy.first("contoso", "approval_service", NOW)
    assert changed.state == policy()
    assert changed.facts == (PolicyChanged(tenant="contoso", version=1, **DEFAULT_SETTINGS.settings()),)


def test_change_when_something_is_new_counts_the_version_up() -> None:
    changed = policy().change(settings(require_approval=False), None, PEOPLE, BY, LATER)
    expected = policy(require_approval=False)
    assert changed.state == replace(expected, version=2, changed_at=LATER, changed_by=BY)
    [fact] = changed.facts
    assert fact == PolicyChanged(tenant="contoso", version=2, **settings(require_approval=False).settings())


def test_change_when_nothing_is_new_changes_nothing() -> None:
    changed = policy().change(settings(), 1, PEOPLE, BY, LATER)
    assert changed.state == policy()
    assert changed.facts == ()


@pytest.mark.parametrize("expected", [None, 1])
def test_change_when_the_version_is_the_one_in_force_is_made(expected: int | None) -> None:
    assert policy().change(settings(stages=quorum(2)), expected, PEOPLE, BY, LATER).state.version == 2


@pytest.mark.parametrize("expected", [0, 2, 99])
@pytest.mark.parametrize("approvals", [1, 2])
def test_change_when_the_version_is_another_conflicts_whatever_the_settings(expected: int, approvals: int) -> None:
    with pytest.raises(Conflict) as refused:
        policy().change(settings(stages=quorum(approvals)), expected, PEOPLE, BY, LATER)
    assert refused.value.code == "policy_version_stale"
    assert "version 1" in refused.value.message


def test_change_when_made_again_and_again_counts_on() -> None:
    state = policy()
    for approvals in (2, 3, 3, 4):
        state = state.change(settings(stages=quorum(approvals)), None, PEOPLE, BY, LATER).state
    assert state.version == 4


def test_stages_in_force_when_a_rule_adds_one_hold_it_too() -> None:
    extra = replace(DEFAULT_STAGES[1], name="More")
    ruled = policy(rules=(Rule(name="x", then="add_stage", stage=extra, when=Condition(actions=("write",))),))
    assert ruled.stages_in_force == (*DEFAULT_STAGES, extra)


def test_limits_when_taken_hold_what_a_request_keeps_to() -> None:
    frozen, slow = (
        Freeze(name=name, starts="2026-12-01T00:00", ends="2026-12-02T00:00", time_zone="UTC", effect=effect)  # type: ignore[arg-type]
        for name, effect in (("frozen", "no_access"), ("slow", "no_auto_approval"))
    )
    limits = policy(freezes=(frozen, slow), break_glass=BreakGlass(allowed=True), comment_on_denial=True).limits()
    assert (limits.policy_version, limits.comment_on_denial, limits.frozen) == (1, True, (frozen,))
    assert limits.break_glass.allowed


def test_digest_when_anything_differs_is_another() -> None:
    assert digest_of(settings()) == digest_of(policy())
    assert digest_of(settings(stages=quorum(2))) != digest_of(settings())


@pytest.mark.parametrize("pattern", ["", "SR", "sr-#", "SR-", "#R-1", "SR-**", "SR-*#", "SR-(a+)+", "SR-#############"])
def test_pattern_when_no_service_request_can_look_like_it_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid) as refused:
        wire.decode(PolicySettings, wire.encode(settings()) | {"service_request_pattern": pattern})
    assert refused.value.code == "invalid_service_request_pattern"


@pytest.mark.parametrize(
    ("part", "value", "field"),
    [
        ("stages", [{"name": "x", "side": "VENDOR", "groups": []}], "stages.0.groups"),
        ("stages", [{"name": "x", "side": "NOBODY", "groups": []}], "stages.0.side"),
        (
            "stages",
            [{"name": "x", "side": "VENDOR", "groups": [{"name": "y", "members": []}]}],
            "stages.0.groups.0.members",
        ),
        (
            "stages",
            [{"name": "x", "side": "VENDOR", "groups": [{"name": "y", "members": ["engineer"]}]}],
            "stages.0.groups.0.members.0",
        ),
        ("rules", [{"name": "x", "then": "auto_maybe"}], "rules.0.then"),
        ("rules", [{"name": "x", "then": "auto_deny", "when": {"colour": ["red"]}}], "rules.0.when.colour"),
        ("rules", [{"name": "x", "then": "auto_deny", "when": {"resources": ["mailbox"]}}], "rules.0.when.resources.0"),
        ("rules", [{"name": "x", "then": "auto_deny", "when": {"actions": []}}], "rules.0.when.actions"),
        ("freezes", [{"name": "x", "starts": "2026-13-01T00:00"}], "freezes.0.starts"),
        ("break_glass", {"allowed": True, "duration": "PT5H"}, "break_glass.duration"),
        ("colour", "red", "colour"),
    ],
)
def test_document_when_a_part_is_wrong_is_refused_with_the_path(part: str, value: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        wire.decode(PolicySettings, wire.encode(settings()) | {part: value})
    assert field in [fault["field"] for fault in refused.value.faults]
