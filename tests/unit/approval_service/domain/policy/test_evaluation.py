"""What a policy makes of a request: each mode, each effect, each condition."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.builders import NOW, terms

from approval_service.domain.policy.evaluation import Evaluation, PolicyInput, evaluate
from lockbox.contracts.policy.document import (
    DEFAULT_SETTINGS,
    DEFAULT_STAGES,
    Condition,
    Freeze,
    Group,
    Hours,
    PolicySettings,
    Rule,
    Side,
    StagePlan,
)
from lockbox.contracts.request.terms import ReasonCode, Severity

VENDOR, CUSTOMER = DEFAULT_STAGES
SECURITY = StagePlan(name="Security", side=Side.CUSTOMER, groups=(Group(name="Security", members=("customer_admin",)),))
NOWHERE = "Mars/Phobos"
OFFICE = Hours(since="09:00", until="18:00", time_zone="UTC")
ERIN = "erin@vendor.example"


def settings(*rules: Rule, **changes: Any) -> PolicySettings:
    return replace(DEFAULT_SETTINGS, rules=rules, **changes)


def made_of(policy: PolicySettings, now: datetime = NOW, **changes: Any) -> Evaluation:
    return evaluate(policy, PolicyInput(terms(**changes), ERIN, now))


def opens(**when: Any) -> Rule:
    return Rule(name="consent", then="auto_approve", when=Condition(**when))


def closes(**when: Any) -> Rule:
    return Rule(name="never", then="auto_deny", when=Condition(**when), comment="not at all")


def adds(**when: Any) -> Rule:
    return Rule(name="twice", then="add_stage", when=Condition(**when), stage=SECURITY)


def freeze(effect: Any, hours_from_now: float, zone: str = "UTC") -> Freeze:
    start = NOW + timedelta(hours=hours_from_now)
    return Freeze(
        name="quarter's end",
        starts=f"{start:%Y-%m-%dT%H:%M}",
        ends=f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M}",
        time_zone=zone,
        effect=effect,
    )


# --- modes ---------------------------------------------------------------------------------------------------------


def test_evaluate_when_nothing_is_special_leaves_it_to_the_stages() -> None:
    assert made_of(settings()) == Evaluation("decide", (), DEFAULT_STAGES)


def test_evaluate_when_approval_is_not_required_leaves_out_the_customers_stages() -> None:
    made = made_of(settings(require_approval=False))
    assert (made.outcome, made.stages) == ("decide", (VENDOR,))
    assert made.why == ("the customer does not require its own approval",)


def test_evaluate_when_audit_only_opens_without_anybody() -> None:
    made = made_of(settings(require_approval=False, audit_only=True))
    assert (made.outcome, made.stages) == ("approve", ())
    assert "on record" in made.why[0]


def test_evaluate_when_no_stage_is_left_denies() -> None:
    made = made_of(settings(require_approval=False, stages=(CUSTOMER,)))
    assert (made.outcome, made.why) == ("deny", ("no stage is left that could approve",))


@pytest.mark.parametrize("duration", [timedelta(seconds=1), timedelta(hours=4)])
def test_evaluate_when_the_duration_is_allowed_goes_on(duration: timedelta) -> None:
    assert made_of(settings(), duration=duration).outcome == "decide"


def test_evaluate_when_the_duration_is_too_long_denies_and_says_what_is_allowed() -> None:
    made = made_of(settings(), duration=timedelta(hours=4, microseconds=1))
    assert (made.outcome, made.why) == ("deny", ("the tenant's policy allows at most PT4H",))


def test_evaluate_when_the_service_request_is_unlike_the_pattern_denies_and_says_what_it_should_be() -> None:
    strict = settings(service_request_pattern="SR-######")
    assert made_of(strict, service_request="SR-359423").outcome == "decide"
    made = made_of(strict, service_request="SR-1")
    assert made.outcome == "deny"
    assert "SR-######" in made.why[0]


# --- effects -------------------------------------------------------------------------------------------------------


def test_rule_when_it_adds_a_stage_puts_it_last() -> None:
    made = made_of(settings(adds()))
    assert (made.outcome, made.stages, made.rule) == ("decide", (VENDOR, CUSTOMER, SECURITY), "twice")
    assert made.why == ("the rule 'twice' adds the stage 'Security'",)


def test_rule_when_it_denies_says_why() -> None:
    made = made_of(settings(closes()))
    assert (made.outcome, made.rule, made.why) == ("deny", "never", ("denied by the rule 'never': not at all",))


def test_rule_when_it_consents_leaves_the_vendors_stages() -> None:
    made = made_of(settings(opens()))
    assert (made.outcome, made.stages, made.rule) == ("decide", (VENDOR,), "consent")


def test_rule_when_it_consents_and_there_is_no_stage_of_the_vendor_opens() -> None:
    made = made_of(settings(opens(), stages=(CUSTOMER,)))
    assert (made.outcome, made.stages, made.rule) == ("approve", (), "consent")


def test_rules_when_several_match_the_first_counts() -> None:
    assert made_of(settings(closes(), opens())).rule == "never"
    assert made_of(settings(opens(), closes())).rule == "consent"
    assert made_of(settings(closes(actions=("delete",)), opens())).rule == "consent"


def test_rule_when_it_should_add_a_stage_and_has_none_denies() -> None:
    made = made_of(settings(replace(adds(), stage=None)))
    assert made.outcome == "deny"


def test_rule_when_audit_only_counts_before_the_mode() -> None:
    assert made_of(settings(closes(), require_approval=False, audit_only=True)).outcome == "deny"
    made = made_of(settings(adds(), require_approval=False, audit_only=True))
    assert made.stages == (VENDOR, SECURITY)


@pytest.mark.parametrize("effect", ["auto_approve", "auto_deny", "add_stage"])
@pytest.mark.parametrize("hours", ["arrives", "access"])
def test_rule_when_it_cant_be_evaluated_denies_and_says_so(effect: Any, hours: str) -> None:
    broken = Condition(**{hours: replace(OFFICE, time_zone=NOWHERE)})
    rule = Rule(name="broken", then=effect, when=broken, stage=SECURITY)
    made = made_of(settings(rule))
    assert (made.outcome, made.rule) == ("deny", "broken")
    assert "can't be evaluated" in made.why[0]
    assert NOWHERE in made.why[0]


# --- conditions ----------------------------------------------------------------------------------------------------

EITHER = [opens, closes, adds]


def matched(rule: Rule, now: datetime = NOW, **changes: Any) -> bool:
    return made_of(settings(rule), now, **changes).rule is not None


@pytest.mark.parametrize("made", EITHER)
@pytest.mark.parametrize(
    ("when", "fits", "fails"),
    [
        (
            {"reason_codes": (ReasonCode.VENDOR_INITIATED_REVIEW,)},
            {"reason_code": ReasonCode.VENDOR_INITIATED_REVIEW},
            {},
        ),
        ({"severities": (Severity.CRITICAL, Severity.HIGH)}, {"severity": Severity.HIGH}, {"severity": Severity.LOW}),
        (
            {"longer_than": timedelta(hours=1)},
            {"duration": timedelta(hours=1, seconds=1)},
            {"duration": timedelta(hours=1)},
        ),
        ({"at_most": timedelta(hours=1)}, {"duration": timedelta(hours=1)}, {"duration": timedelta(hours=2)}),
        ({"actions": ("read",)}, {"actions": ("read",)}, {"actions": ("write",)}),
        ({"resources": ("mailbox/*",)}, {"resources": ("mailbox/bob",)}, {"resources": ("files/x",)}),
    ],
)
def test_condition_when_it_is_met_or_not(made: Any, when: Any, fits: Any, fails: Any) -> None:
    assert matched(made(**when), **fits)
    assert not matched(made(**when), **fails)


@pytest.mark.parametrize("made", EITHER)
def test_condition_when_it_names_engineers_is_for_them(made: Any) -> None:
    assert matched(made(engineers=(ERIN,)))
    assert not matched(made(engineers=("eve@vendor.example",)))


@pytest.mark.parametrize("made", EITHER)
def test_conditions_when_there_are_several_have_to_be_met_together(made: Any) -> None:
    both = made(actions=("read",), severities=(Severity.HIGH,))
    assert matched(both, severity=Severity.HIGH)
    assert not matched(both, severity=Severity.LOW)


def test_condition_when_only_a_part_is_met_closes_and_does_not_open() -> None:
    mixed = {"resources": ("mailbox/alice", "files/x"), "actions": ("read", "delete")}
    for when in ({"resources": ("files/*",)}, {"actions": ("delete",)}):
        assert matched(closes(**when), **mixed)
        assert matched(adds(**when), **mixed)
        assert not matched(opens(**when), **mixed)


def test_condition_when_a_pattern_is_asked_for_closes_what_it_overlaps_and_opens_what_it_covers() -> None:
    asked = {"resources": ("mailbox/*",)}
    assert matched(closes(resources=("*/alice",)), **asked)
    assert not matched(opens(resources=("mailbox/alice",)), **asked)
    assert matched(opens(resources=("mailbox/**",)), **asked)


def test_arrival_when_in_the_hours_matches_whatever_the_access() -> None:
    for made in EITHER:
        assert matched(made(arrives=OFFICE))
        assert not matched(made(arrives=OFFICE), now=NOW + timedelta(hours=12))


def test_access_when_it_leaves_the_hours_closes_and_does_not_open() -> None:
    late = {"starts_at": NOW.replace(hour=16), "duration": timedelta(hours=4)}
    outside = {"starts_at": NOW.replace(hour=20), "duration": timedelta(hours=1)}
    assert matched(opens(access=OFFICE))
    assert not matched(opens(access=OFFICE), **late)
    assert matched(closes(access=OFFICE), **late)
    assert not matched(closes(access=OFFICE), **outside)


# --- freezes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("begins", "frozen"), [(-2, False), (-0.5, True), (3.5, True), (4, False)])
def test_freeze_when_there_is_no_access_denies_what_touches_it(begins: float, frozen: bool) -> None:
    made = made_of(
        settings(freezes=(freeze("no_access", begins),)), now=NOW.replace(minute=30, second=0, microsecond=0)
    )
    assert (made.outcome == "deny") is frozen
    if frozen:
        assert "quarter's end" in made.why[0]


def test_freeze_when_the_start_is_after_it_leaves_it_to_the_stages() -> None:
    later = NOW + timedelta(hours=2)
    assert made_of(settings(freezes=(freeze("no_access", 0.5),)), starts_at=later).outcome == "decide"


def test_freeze_when_nothing_is_approved_automatically_asks_people_instead() -> None:
    for policy in (settings(opens()), settings(require_approval=False, audit_only=True)):
        made = made_of(replace(policy, freezes=(freeze("no_auto_approval", 1),)))
        assert made.outcome == "decide"
        assert made.stages == (DEFAULT_STAGES if policy.require_approval else (VENDOR,))
        assert "nothing is approved automatically" in made.why[1]


def test_freeze_when_nothing_is_approved_automatically_leaves_denials_and_stages() -> None:
    frozen = (freeze("no_auto_approval", 1),)
    assert made_of(settings(closes(), freezes=frozen)).outcome == "deny"
    assert made_of(settings(adds(), freezes=frozen)).stages == (VENDOR, CUSTOMER, SECURITY)


def test_freeze_when_its_zone_is_not_known_denies_everything() -> None:
    made = made_of(settings(freezes=(freeze("no_auto_approval", 100, NOWHERE),)))
    assert made.outcome == "deny"
    assert "can't be evaluated" in made.why[0]
