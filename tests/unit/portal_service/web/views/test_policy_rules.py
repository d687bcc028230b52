from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from tests.unit.strategies import messages

from lockbox.contracts.policy.document import Condition, Freeze, Hours, Rule
from portal_service.web.views import policy_rules

NIGHT = Hours(since="22:00", until="06:00", time_zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("condition", "phrases"),
    [
        ({}, []),
        ({"actions": ("read", "export")}, ["actions: read, export"]),
        ({"resources": ("mailbox/**",)}, ["resources: mailbox/** (everything below mailbox)"]),
        ({"engineers": ("erin@vendor.example",)}, ["engineers: erin@vendor.example"]),
        ({"longer_than": timedelta(hours=1)}, ["longer than 1 hour"]),
        ({"at_most": timedelta(minutes=90)}, ["at most 1 hour 30 minutes"]),
        ({"severities": ("HIGH", "CRITICAL")}, ["the severity is high or critical"]),
        (
            {"reason_codes": ("THIRD_PARTY_DATA_REQUEST", "VENDOR_INITIATED_REVIEW", "VENDOR_INITIATED_SERVICE")},
            ["the reason is Third-party data request, Vendor initiated review or Vendor initiated service"],
        ),
        ({"arrives": NIGHT}, ["it arrives from 22:00 to 06:00 (Europe/Berlin)"]),
        (
            {"access": Hours(since="08:00", until="24:00", time_zone="UTC", days=("mon", "fri"))},
            ["the access is from 08:00 to 24:00 on mon, fri (UTC)"],
        ),
        ({"actions": ("read",), "at_most": timedelta(hours=1)}, ["actions: read", "at most 1 hour"]),
    ],
)
def test_conditions_of_a_rule_are_phrases(condition: dict[str, Any], phrases: list[str]) -> None:
    assert policy_rules.conditions(Condition(**condition)) == phrases


def test_every_condition_has_a_phrase() -> None:
    assert {field.name for field in fields(Condition)} == set(policy_rules.PHRASES)


@settings(max_examples=20)
@given(messages(Rule))
def test_any_rule_can_be_shown(rule: Rule) -> None:
    assert policy_rules.effect(rule)
    assert all(policy_rules.conditions(rule.when))


@settings(max_examples=20)
@given(messages(Freeze))
def test_any_freeze_can_be_shown(freeze: Freeze) -> None:
    assert freeze.time_zone in policy_rules.freeze(freeze)


def test_freeze_has_its_period_and_its_effect() -> None:
    year_end = Freeze(
        name="Year end",
        starts="2099-12-24T18:00",
        ends="2099-12-27T08:00",
        time_zone="Europe/Berlin",
        effect="no_access",
    )
    assert policy_rules.freeze(year_end) == (
        "2099-12-24 18:00 until 2099-12-27 08:00 (Europe/Berlin): no access at all"
    )


@pytest.mark.parametrize(
    ("then", "effect"),
    [
        ("auto_deny", "denies"),
        ("auto_approve", "gives the customer's consent beforehand"),
        ("add_stage", "adds a stage"),
    ],
)
def test_rule_has_its_effect(then: Any, effect: str) -> None:
    assert policy_rules.effect(Rule(name="x", then=then, when=Condition())) == effect
