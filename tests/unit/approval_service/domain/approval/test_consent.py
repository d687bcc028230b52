"""Consent in advance has borders: docs/policies/07-consent-in-advance.json, and what lies beyond what it says."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.builders import (
    ALICE,
    ENGINEER,
    VENDOR_APPROVER,
    created,
    decide,
    extend,
    policy,
    present,
    use_break_glass,
)

from approval_service.domain.approval import gate, views
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.present import Present
from approval_service.domain.policy.policy import Policy
from lockbox.contracts import wire
from lockbox.contracts.approval.facts import StagesAdded
from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.approval.views import ApprovalEffect, NextStage
from lockbox.contracts.events import Changed
from lockbox.contracts.grant.facts import AccessGranted, ExtendedWithoutCustomer, ExtensionDecided
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import (
    BreakGlass,
    Condition,
    Freeze,
    Hours,
    PolicySettings,
    Rule,
    Side,
    StagePlan,
)
from lockbox.contracts.request.terms import RequestState
from lockbox.errors import Conflict, Invalid

FILE = Path(__file__).parents[5] / "docs" / "policies" / "07-consent-in-advance.json"
IN_ADVANCE: dict[str, Any] = wire.decode(PolicySettings, json.loads(FILE.read_text())).settings()
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
"""10:00 in Berlin."""
MINUTES, HOUR = timedelta(minutes=1), timedelta(hours=1)
LOGS: dict[str, Any] = {"resources": ("logs/app",), "actions": ("read",), "duration": HOUR}
OTHER_VENDOR = Caller(
    "vince@vendor.example", "vendor", frozenset({Role.VENDOR_APPROVER}), TUESDAY, VENDOR_APPROVER.correlation_id
)


def in_advance(**changes: Any) -> Policy:
    return policy(**IN_ADVANCE | changes)


def customer_alone(**changes: Any) -> Policy:
    """Return the policy with the customer's stage alone, so that nobody decides under the rule."""
    return in_advance(stages=tuple(one for one in IN_ADVANCE["stages"] if one.side == Side.CUSTOMER), **changes)


def created_at(now: datetime, **changes: Any) -> Any:
    return replace(created(**LOGS | changes), created_at=now)


def arrived(under: Policy, now: datetime = TUESDAY, **changes: Any) -> Approval:
    return Approval.open(created_at(now, **changes), under, now).state


def granted(under: Policy, now: datetime = TUESDAY, **changes: Any) -> Approval:
    """Return an approval that the vendor, or the rule alone, has granted."""
    asked = arrived(under, now, **changes)
    return asked if asked.grant else decide(asked, VENDOR_APPROVER, now=now).state


def freeze(starts: datetime, ends: datetime) -> Freeze:
    return Freeze(
        name="quarter's end",
        starts=f"{starts:%Y-%m-%dT%H:%M}",
        ends=f"{ends:%Y-%m-%dT%H:%M}",
        time_zone="UTC",
        effect="no_auto_approval",
    )


def types(changed: Changed[Approval]) -> list[str]:
    return [fact.type for fact in changed.facts]


def stage_names(one: Approval) -> list[str]:
    return [stage.name for stage in one.asked_extension().deliberation.stages]


# --- extensions ----------------------------------------------------------------------------------------------------


def test_extension_by_engineer_and_vendor_when_it_goes_into_the_night_waits_for_the_customer() -> None:
    before = granted(in_advance())
    asked = extend(before, ENGINEER, 7 * HOUR, now=TUESDAY)
    assert types(asked) == ["extension_requested", "stages_added", "stage_opened"]
    assert stage_names(asked.state) == ["Vendor", "Customer"]
    vendor = decide(asked.state, VENDOR_APPROVER, now=TUESDAY + MINUTES)
    assert types(vendor) == ["decision_recorded", "stage_opened"]
    assert vendor.state.granted().ends_at == TUESDAY + HOUR
    ended = vendor.state.advance(TUESDAY + HOUR).state
    assert ended.granted().state == GrantState.EXPIRED
    customer = decide(vendor.state, ALICE, now=TUESDAY + MINUTES)
    assert customer.state.granted().ends_at == TUESDAY + 8 * HOUR
    assert "extended_without_customer" not in types(customer)


def test_extension_when_no_vendor_stage_is_there_and_nobody_would_decide_waits_for_the_customer() -> None:
    before = granted(customer_alone())
    assert before.granted().opened_by == "policy"
    asked = extend(before, ENGINEER, 7 * HOUR, now=TUESDAY)
    assert types(asked) == ["extension_requested", "stages_added", "stage_opened"]
    assert asked.state.granted().ends_at == TUESDAY + HOUR
    assert decide(asked.state, ALICE, now=TUESDAY).state.granted().ends_at == TUESDAY + 8 * HOUR


@pytest.mark.parametrize("more", [timedelta(seconds=1), 30 * MINUTES, HOUR])
def test_extension_when_the_whole_is_longer_than_at_most_needs_the_customer(
    more: timedelta,
) -> None:
    asked = extend(granted(customer_alone()), ENGINEER, more, now=TUESDAY)
    assert types(asked) == ["extension_requested", "stages_added", "stage_opened"]


def test_extensions_when_each_is_short_are_measured_together() -> None:
    first = extend(granted(customer_alone(), duration=30 * MINUTES), ENGINEER, 30 * MINUTES, now=TUESDAY)
    assert types(first) == ["extension_requested", "extension_decided", "extended_without_customer"]
    second = extend(first.state, ENGINEER, 30 * MINUTES, now=TUESDAY + MINUTES)
    assert types(second) == ["extension_requested", "stages_added", "stage_opened"]


def test_extension_when_the_whole_fits_is_given_and_the_customer_is_told() -> None:
    asked = extend(granted(in_advance(), duration=30 * MINUTES), ENGINEER, 30 * MINUTES, now=TUESDAY).state
    changed = decide(asked, VENDOR_APPROVER, now=TUESDAY)
    assert types(changed) == ["decision_recorded", "extension_decided", "extended_without_customer"]
    told = changed.facts[-1]
    assert isinstance(told, ExtendedWithoutCustomer)
    assert (told.ends_at, told.duration, told.resources) == (TUESDAY + HOUR, 30 * MINUTES, ("logs/app",))


def test_extension_when_its_vendor_shortens_it_to_what_fits_still_goes_to_the_customer() -> None:
    asked = extend(granted(in_advance(), duration=30 * MINUTES), ENGINEER, HOUR, now=TUESDAY).state
    vendor = decide(asked, VENDOR_APPROVER, now=TUESDAY, changes=Changes(duration=30 * MINUTES))
    assert types(vendor) == ["decision_recorded", "stage_opened"]


def test_extension_when_it_passes_a_freeze_of_automatic_approval_goes_to_the_customer() -> None:
    frozen = customer_alone(freezes=(freeze(TUESDAY + 40 * MINUTES, TUESDAY + 8 * HOUR),))
    before = granted(frozen, duration=30 * MINUTES)
    assert before.granted().opened_by == "policy"
    assert types(extend(before, ENGINEER, 20 * MINUTES, now=TUESDAY))[1:] == ["stages_added", "stage_opened"]


def test_extension_when_audit_only_passes_a_freeze_goes_to_the_stages_of_the_policy() -> None:
    stages = IN_ADVANCE["stages"]
    frozen = policy(audit_only=True, stages=stages, freezes=(freeze(TUESDAY + 2 * HOUR, TUESDAY + 3 * HOUR),))
    before = granted(frozen)
    assert types(extend(before, ENGINEER, 30 * MINUTES, now=TUESDAY))[1:] == [
        "extension_decided",
        "extended_without_customer",
    ]
    asked = extend(before, ENGINEER, 2 * HOUR, now=TUESDAY).state
    assert stage_names(asked) == ["Vendor", "Customer"]


def test_extension_when_no_stage_is_left_that_could_decide_is_denied() -> None:
    frozen = policy(audit_only=True, stages=(), freezes=(freeze(TUESDAY + 2 * HOUR, TUESDAY + 3 * HOUR),))
    changed = extend(granted(frozen), ENGINEER, 2 * HOUR, now=TUESDAY)
    assert types(changed) == ["extension_requested", "extension_decided"]
    decided = changed.facts[-1]
    assert isinstance(decided, ExtensionDecided)
    assert (decided.outcome, decided.ends_at) == ("deny", TUESDAY + HOUR)
    assert changed.state.granted().ends_at == TUESDAY + HOUR


def test_extension_when_a_rule_denies_the_night_is_denied() -> None:
    night = Rule(
        name="Never at night",
        when=Condition(access=Hours(since="22:00", until="06:00", time_zone="UTC")),
        then="auto_deny",
    )
    before = granted(customer_alone(rules=(night, *IN_ADVANCE["rules"])))
    changed = extend(before, ENGINEER, 6 * HOUR, now=TUESDAY)
    assert types(changed)[1:] == ["stages_added", "stage_opened"]
    late = granted(in_advance(rules=(night,), require_approval=False), TUESDAY + 12 * HOUR)
    assert types(extend(late, ENGINEER, HOUR, now=TUESDAY + 12 * HOUR)) == ["extension_requested", "extension_decided"]


def test_extension_when_the_whole_is_long_gets_the_stage_that_a_rule_adds_for_long_access() -> None:
    legal = StagePlan(name="Legal", side=Side.CUSTOMER, groups=IN_ADVANCE["stages"][1].groups)
    long = Rule(name="Long access", when=Condition(longer_than=2 * HOUR), then="add_stage", stage=legal)
    before = decide(granted(in_advance(rules=(long,))), ALICE, now=TUESDAY).state
    assert stage_names(extend(before, ENGINEER, HOUR, now=TUESDAY).state) == ["Vendor", "Customer"]
    assert stage_names(extend(before, ENGINEER, 2 * HOUR, now=TUESDAY).state) == ["Vendor", "Customer", "Legal"]


def test_extension_when_asked_for_outside_the_hours_of_arrival_goes_to_the_customer() -> None:
    hours = Hours(since="08:00", until="10:00", time_zone="UTC")
    rule = Rule(name="Arrives early", when=Condition(arrives=hours), then="auto_approve")
    before = granted(customer_alone(rules=(rule,)), duration=3 * HOUR)
    assert types(extend(before, ENGINEER, HOUR, now=TUESDAY))[1:] == ["extension_decided", "extended_without_customer"]
    assert types(extend(before, ENGINEER, HOUR, now=TUESDAY + 2 * HOUR))[1:] == ["stages_added", "stage_opened"]


def test_extension_of_break_glass_when_the_rule_left_out_the_customer_goes_to_the_customer() -> None:
    asked = arrived(in_advance(break_glass=BreakGlass(allowed=True)))
    once = use_break_glass(asked, VENDOR_APPROVER, now=TUESDAY).state
    glass = use_break_glass(once, OTHER_VENDOR, now=TUESDAY).state
    assert stage_names(extend(glass, ENGINEER, HOUR, now=TUESDAY).state) == ["Vendor", "Customer"]


# --- late approvals ------------------------------------------------------------------------------------------------


def test_vendor_approval_when_it_comes_eleven_hours_later_does_not_open_at_four_in_the_morning() -> None:
    afternoon = TUESDAY + 7 * HOUR
    asked = arrived(in_advance(), afternoon)
    assert [stage.name for stage in asked.deliberation.stages] == ["Vendor"]
    changed = decide(asked, VENDOR_APPROVER, now=afternoon + 11 * HOUR)
    assert types(changed) == ["decision_recorded", "stages_added", "stage_opened"]
    assert changed.state.state == RequestState.PENDING_CUSTOMER
    assert changed.state.grant is None
    added = changed.facts[1]
    assert isinstance(added, StagesAdded)
    assert [stage.name for stage in added.stages] == ["Customer"]
    customer = decide(changed.state, ALICE, now=afternoon + 11 * HOUR + MINUTES)
    assert types(customer)[1:] == ["request_approved", "access_granted", "grant_activated"]
    told = customer.facts[2]
    assert isinstance(told, AccessGranted)
    assert told.approval_required


def test_vendor_approval_when_it_comes_in_time_opens() -> None:
    changed = decide(arrived(in_advance()), VENDOR_APPROVER, now=TUESDAY + 30 * MINUTES)
    assert changed.state.granted().state == GrantState.ACTIVE


def test_vendor_approval_when_a_freeze_of_automatic_approval_has_begun_meanwhile_asks_the_customer() -> None:
    frozen = in_advance(freezes=(freeze(TUESDAY + 2 * HOUR, TUESDAY + 8 * HOUR),))
    asked = arrived(frozen)
    assert [stage.name for stage in asked.deliberation.stages] == ["Vendor"]
    changed = decide(asked, VENDOR_APPROVER, now=TUESDAY + 2 * HOUR)
    assert types(changed) == ["decision_recorded", "stages_added", "stage_opened"]


def test_vendor_approval_when_it_delays_the_scheduled_start_out_of_the_hours_asks_the_customer() -> None:
    asked = arrived(in_advance(), starts_at=TUESDAY + HOUR)
    later = Changes(starts_at=TUESDAY + 12 * HOUR)
    changed = decide(asked, VENDOR_APPROVER, now=TUESDAY, changes=later)
    assert types(changed) == ["decision_recorded", "stages_added", "stage_opened"]
    assert decide(asked, VENDOR_APPROVER, now=TUESDAY).state.granted().state == GrantState.SCHEDULED


def test_vendor_approval_when_a_rule_denies_the_time_of_the_access_is_denied() -> None:
    night = Rule(
        name="Never at night",
        when=Condition(access=Hours(since="20:00", until="06:00", time_zone="UTC")),
        then="auto_deny",
    )
    asked = arrived(in_advance(rules=(night, *IN_ADVANCE["rules"])))
    changed = decide(asked, VENDOR_APPROVER, now=TUESDAY + 11 * HOUR)
    assert types(changed) == ["decision_recorded", "request_denied"]


# --- a policy that changes meanwhile -------------------------------------------------------------------------------


def changed(**settings: Any) -> Policy:
    """Return the next version of the policy with consent in advance."""
    return replace(in_advance(**settings), version=2)


def later(under: Policy, minutes: int = 0) -> Present:
    return present(TUESDAY + minutes * MINUTES, under)


STOP = replace(freeze(TUESDAY, TUESDAY + 8 * HOUR), effect="no_access", name="stop")
NEVER = Rule(name="Not now", then="auto_deny")
NO_LONGER: dict[str, dict[str, Any]] = {
    "a freeze of automatic approval is added": {"freezes": (freeze(TUESDAY, TUESDAY + 8 * HOUR),)},
    "the rule is gone": {"rules": ()},
    "the rule is for shorter access": {
        "rules": (Rule(name="Short", when=Condition(at_most=10 * MINUTES), then="auto_approve"),)
    },
}


@pytest.mark.parametrize("settings", NO_LONGER.values(), ids=NO_LONGER)
def test_vendor_approval_when_the_policy_no_longer_consents_asks_the_customer(settings: dict[str, Any]) -> None:
    voted = decide(arrived(in_advance()), VENDOR_APPROVER, now=later(changed(**settings)))
    assert types(voted) == ["decision_recorded", "stages_added", "stage_opened"]
    assert voted.state.state == RequestState.PENDING_CUSTOMER
    added = voted.facts[1]
    assert isinstance(added, StagesAdded)
    assert added.why[0] == "the customer has changed its policy since the request arrived (version 2)"
    assert decide(voted.state, ALICE, now=later(changed(**settings))).state.granted().state == GrantState.ACTIVE


def test_vendor_approval_when_the_policy_denies_by_now_is_denied() -> None:
    for settings in ({"rules": (NEVER,)}, {"maximum_duration": 30 * MINUTES}):
        voted = decide(arrived(in_advance()), VENDOR_APPROVER, now=later(changed(**settings)))
        assert types(voted) == ["decision_recorded", "request_denied"]


def test_vendor_approval_when_approval_is_required_by_now_asks_the_customer() -> None:
    asked = arrived(in_advance(require_approval=False, rules=()))
    voted = decide(asked, VENDOR_APPROVER, now=later(changed(rules=())))
    assert types(voted) == ["decision_recorded", "stages_added", "stage_opened"]


def test_customers_own_approval_when_the_policy_changes_meanwhile_stays() -> None:
    asked = decide(arrived(in_advance(rules=())), VENDOR_APPROVER, now=TUESDAY).state
    for settings in (*NO_LONGER.values(), {"rules": (NEVER,)}):
        assert decide(asked, ALICE, now=later(changed(**settings))).state.granted().state == GrantState.ACTIVE


def test_customers_own_approval_when_a_freeze_without_access_is_added_opens_nothing() -> None:
    asked = decide(arrived(in_advance(rules=())), VENDOR_APPROVER, now=TUESDAY).state
    with pytest.raises(Conflict, match="stop"):
        decide(asked, ALICE, now=later(changed(freezes=(STOP,))))
    late = decide(asked, ALICE, now=later(changed(freezes=(STOP,))), changes=Changes(starts_at=TUESDAY + 9 * HOUR))
    assert late.state.granted().state == GrantState.SCHEDULED


@pytest.mark.parametrize("settings", NO_LONGER.values(), ids=NO_LONGER)
def test_extension_when_the_policy_no_longer_consents_goes_to_the_customer(settings: dict[str, Any]) -> None:
    before = granted(customer_alone(), duration=15 * MINUTES)
    now = later(replace(customer_alone(**settings), version=2))
    assert types(extend(before, ENGINEER, 20 * MINUTES, now=now))[1:] == ["stages_added", "stage_opened"]
    unchanged = extend(before, ENGINEER, 20 * MINUTES, now=later(customer_alone()))
    assert types(unchanged)[1:] == ["extension_decided", "extended_without_customer"]


def test_extension_when_the_policy_changes_while_the_vendor_decides_goes_to_the_customer() -> None:
    asked = extend(granted(in_advance(), duration=15 * MINUTES), ENGINEER, 20 * MINUTES, now=TUESDAY).state
    voted = decide(asked, VENDOR_APPROVER, now=later(changed(rules=())))
    assert types(voted) == ["decision_recorded", "stages_added", "stage_opened"]
    assert stage_names(voted.state) == ["Vendor", "Customer"]


def test_extension_when_a_freeze_without_access_is_added_is_refused_and_the_access_goes_on() -> None:
    before = granted(in_advance())
    with pytest.raises(Conflict, match="stop"):
        extend(before, ENGINEER, 20 * MINUTES, now=later(changed(freezes=(STOP,))))
    assert before.advance(TUESDAY + 10 * MINUTES).state.granted().state == GrantState.ACTIVE


def test_extension_when_the_cap_is_lower_by_now_is_held_to_it() -> None:
    before = granted(in_advance())
    with pytest.raises(Invalid, match="extension_beyond_cap"):
        extend(before, ENGINEER, 2 * HOUR, now=later(changed(maximum_total=2 * HOUR)))
    with pytest.raises(Invalid, match="extension_beyond_cap"):
        extend(before, ENGINEER, MINUTES, now=later(changed(maximum_total=30 * MINUTES)))


# --- the effect that an approver is shown --------------------------------------------------------------------------


def effect(one: Approval, under: Policy, minutes: int = 0) -> ApprovalEffect:
    shown = gate.effect_of_approval(one, later(under, minutes))
    assert shown is not None
    return shown


def test_effect_when_an_approval_would_come_late_names_the_customers_stage_and_no_access() -> None:
    asked = arrived(in_advance())
    assert effect(asked, in_advance()).outcome == "access"
    assert effect(asked, in_advance()).ends_at == TUESDAY + HOUR
    late = effect(asked, in_advance(), 11 * 60)
    assert (late.outcome, late.next) == ("stage", NextStage(stage=2, name="Customer", side=Side.CUSTOMER))


def test_effect_when_the_policy_changed_is_that_of_the_policy_in_force() -> None:
    asked = arrived(in_advance())
    assert effect(asked, changed(rules=())).why[0].endswith("(version 2)")
    denial = effect(asked, changed(rules=(NEVER,)))
    assert (denial.outcome, denial.starts_at) == ("denial", None)
    refusal = effect(asked, changed(freezes=(STOP,)))
    assert (refusal.outcome, refusal.code, refusal.params["freeze"]) == ("refusal", "access_frozen", "stop")


def test_effect_when_an_extension_waits_is_its_new_end() -> None:
    asked = extend(granted(in_advance(), duration=15 * MINUTES), ENGINEER, 20 * MINUTES, now=TUESDAY).state
    assert effect(asked, in_advance()).ends_at == TUESDAY + 35 * MINUTES
    assert effect(asked, changed(rules=())).outcome == "stage"
    assert effect(asked, changed(rules=(NEVER,))).outcome == "denial"


def test_effect_when_nothing_waits_is_none() -> None:
    for one in (granted(in_advance()), arrived(in_advance(rules=(NEVER,)))):
        assert gate.effect_of_approval(one, later(in_advance())) is None
    assert gate.effect_of_approval(arrived(in_advance()), later(in_advance(), 24 * 60)) is None


def test_access_when_the_kept_policy_is_missing_is_refused_unless_the_customer_decides() -> None:
    old = replace(arrived(in_advance()), excerpt=None)
    assert types(decide(old, VENDOR_APPROVER, now=TUESDAY))[1:] == ["request_denied"]
    both = replace(arrived(in_advance(rules=())), excerpt=None)
    assert decide(decide(both, VENDOR_APPROVER, now=TUESDAY).state, ALICE, now=TUESDAY).state.grant is not None


def test_kept_policy_when_the_customer_has_hundreds_of_rules_has_those_alone_that_can_match() -> None:
    other = Rule(name="Mail", when=Condition(resources=("mailbox/**",)), then="auto_deny")
    kept = arrived(in_advance(rules=(other, *IN_ADVANCE["rules"]))).excerpt
    assert kept is not None
    assert [rule.name for rule in kept.rules] == ["Diagnostics in office hours"]
    assert views.as_view(arrived(in_advance())).rule == "Diagnostics in office hours"


def test_no_access_freeze_when_it_is_reached_is_refused_as_before() -> None:
    frozen = replace(freeze(TUESDAY + 2 * HOUR, TUESDAY + 8 * HOUR), effect="no_access")
    with pytest.raises(Conflict) as refused:
        decide(arrived(in_advance(freezes=(frozen,))), VENDOR_APPROVER, now=TUESDAY + 2 * HOUR)
    assert refused.value.code == "access_frozen"
