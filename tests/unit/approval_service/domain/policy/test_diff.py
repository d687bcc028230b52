from dataclasses import replace
from datetime import timedelta
from typing import Any

from approval_service.domain.policy.diff import differences
from lockbox.contracts.policy.document import DEFAULT_SETTINGS, DEFAULT_STAGES, PolicySettings, Rule

VENDOR, CUSTOMER = DEFAULT_STAGES
ONE, TWO = (Rule(name=name, then="auto_deny") for name in ("one", "two"))


def told(after: PolicySettings, before: PolicySettings = DEFAULT_SETTINGS) -> list[tuple[str, Any, Any]]:
    return [(one.path, one.before, one.after) for one in differences(before, after)]


def test_difference_when_nothing_differs_is_none() -> None:
    assert told(DEFAULT_SETTINGS) == []


def test_difference_when_a_setting_differs_names_it() -> None:
    assert told(replace(DEFAULT_SETTINGS, request_lifetime=timedelta(hours=6))) == [
        ("request_lifetime", "PT12H", "PT6H")
    ]


def test_difference_when_a_group_differs_names_the_way_to_it() -> None:
    two = replace(CUSTOMER, groups=(replace(CUSTOMER.groups[0], approvals=2),))
    path = "stages[Customer].groups[Approvers].approvals"
    assert told(replace(DEFAULT_SETTINGS, stages=(VENDOR, two))) == [(path, 1, 2)]


def test_difference_when_something_comes_or_goes_shows_it_whole() -> None:
    [(path, before, after)] = told(replace(DEFAULT_SETTINGS, rules=(ONE,)))
    assert (path, before, after["name"]) == ("rules[one]", None, "one")
    [(path, before, after)] = told(DEFAULT_SETTINGS, replace(DEFAULT_SETTINGS, rules=(ONE,)))
    assert (path, before["name"], after) == ("rules[one]", "one", None)


def test_difference_when_only_the_order_differs_says_so() -> None:
    before, after = (replace(DEFAULT_SETTINGS, rules=rules) for rules in ((ONE, TWO), (TWO, ONE)))
    assert told(after, before) == [("rules (order)", ["one", "two"], ["two", "one"])]
