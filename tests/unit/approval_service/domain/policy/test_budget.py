"""A policy of the largest size is checked and evaluated within a number of steps, and lets others go on meanwhile."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.builders import ENGINEER, NOW, terms

from approval_service.domain.people import People, Person
from approval_service.domain.policy.budget import MOST_STEPS, STEPS_WITHOUT_PAUSE, Budget
from approval_service.domain.policy.evaluation import PolicyInput, evaluate
from approval_service.domain.policy.patterns import indexed
from approval_service.domain.policy.validation import check
from lockbox.contracts.identity import Role
from lockbox.contracts.policy.document import (
    DEFAULT_SETTINGS,
    MOST_GROUPS_OF_ALL,
    MOST_MEMBERS_OF_ALL,
    MOST_PATTERNS,
    Condition,
    Group,
    PolicySettings,
    Rule,
    Side,
    StagePlan,
)
from lockbox.errors import Invalid
from lockbox.values import resources

PEOPLE = People.of(
    "contoso",
    [
        *(Person(f"a{n}@contoso.example", "contoso", frozenset({Role.CUSTOMER_APPROVER})) for n in range(100)),
        Person("victor@vendor.example", "vendor", frozenset({Role.VENDOR_APPROVER})),
    ],
)


def denying(patterns: int) -> PolicySettings:
    """A policy that compares so many patterns with every resource, as all begin alike."""
    rules = [
        Rule(
            name=f"rule {first}",
            then="auto_deny",
            when=Condition(resources=tuple(f"mailbox/*/{n}/x" for n in range(first, min(first + 100, patterns)))),
        )
        for first in range(0, patterns, 100)
    ]
    return replace(DEFAULT_SETTINGS, rules=tuple(rules))


def adding(groups: int, members: int) -> PolicySettings:
    plans = [
        StagePlan(
            name=f"stage {number}",
            side=Side.CUSTOMER,
            groups=(Group(name="Group", members=tuple(f"a{n}@contoso.example" for n in range(members))),),
        )
        for number in range(groups)
    ]
    rules = tuple(Rule(name=plan.name, then="add_stage", stage=plan) for plan in plans)
    return replace(DEFAULT_SETTINGS, rules=rules)


def asked(budget: Budget) -> PolicyInput:
    wanted = replace(terms(), resources=tuple(f"mailbox/{n}/x/y" for n in range(100)), duration=timedelta(hours=1))
    return PolicyInput(wanted, ENGINEER.email, NOW, budget)


def refused(policy: PolicySettings) -> Invalid:
    with pytest.raises(Invalid) as error:
        check(policy, PEOPLE)
    return error.value


def test_budget_when_the_policy_is_as_large_as_allowed_suffices() -> None:
    budget = Budget()
    policy = denying(MOST_PATTERNS)
    check(policy, PEOPLE, budget=budget)
    assert evaluate(policy, asked(budget)).outcome == "decide"
    assert 0 < budget.left < MOST_STEPS - MOST_PATTERNS * 100


def test_budget_when_the_policy_is_as_large_as_allowed_lets_others_go_on_meanwhile() -> None:
    pauses: list[int] = []
    budget = Budget(pause=lambda: pauses.append(budget.left))
    evaluate(denying(MOST_PATTERNS), asked(budget))
    steps = [before - after for before, after in zip([MOST_STEPS, *pauses], pauses, strict=False)]
    assert len(steps) > MOST_PATTERNS * 100 / (2 * STEPS_WITHOUT_PAUSE)
    assert max(steps) < 2 * STEPS_WITHOUT_PAUSE


def test_budget_when_spent_ends_the_evaluation_and_opens_nothing() -> None:
    budget = Budget()
    assert evaluate(denying(17_000), asked(budget)).outcome == "deny"
    with pytest.raises(Invalid) as error:
        budget.require_rest()
    assert (error.value.code, error.value.params) == ("policy_too_complex", {"most": MOST_STEPS})


def test_budget_when_spent_ends_a_check() -> None:
    with pytest.raises(Invalid) as error:
        check(adding(200, 10), PEOPLE, budget=Budget(left=1_000))
    assert error.value.code == "policy_too_complex"


@pytest.mark.parametrize(
    ("policy", "path", "most"),
    [
        (denying(MOST_PATTERNS + 1), "rules", MOST_PATTERNS),
        (adding(MOST_GROUPS_OF_ALL - 1, 1), "stages", MOST_GROUPS_OF_ALL),
        (adding(100, 20), "stages", MOST_MEMBERS_OF_ALL),
    ],
)
def test_policy_when_beyond_a_limit_of_its_size_names_the_limit(policy: PolicySettings, path: str, most: int) -> None:
    error = refused(policy)
    assert (error.code, [fault["field"] for fault in error.faults]) == ("policy_too_complex", [path])
    assert str(most) in error.message


@pytest.mark.parametrize("compare", [resources.covers, resources.overlap])
@pytest.mark.parametrize("resource", ["mailbox/alice", "mailbox/*", "*/alice", "*/**", "files/a/b", "mailbox/**"])
@pytest.mark.parametrize("pattern", ["mailbox/alice", "mailbox/*", "*/alice", "*/**", "files/**", "files/a/*"])
def test_patterns_when_indexed_compare_as_one_by_one(compare: object, resource: str, pattern: str) -> None:
    assert callable(compare)
    assert indexed((pattern,)).any(compare, resource, Budget()) == compare(pattern, resource)
