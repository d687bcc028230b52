from datetime import timedelta

import pytest
from tests.unit.builders import NOW

from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.policy.document import Group, Side, StagePlan
from portal_service.web.wording import event_values as values

APPROVERS = Group(name="Approvers", members=("customer_approver",), approvals=2)
LEGAL = Group(name="Legal", members=("lee@contoso.example",), approvals=1)


def stage(name: str) -> StagePlan:
    return StagePlan(name=name, side=Side.CUSTOMER, groups=(APPROVERS,))


@pytest.mark.parametrize(
    ("actor", "name"), [("alice@contoso.example", "alice@contoso.example"), ("approval_service", "Lockbox")]
)
def test_actor_is_a_person_or_lockbox(actor: str, name: str) -> None:
    assert values.person(actor) == name


def test_moment_names_its_time_zone() -> None:
    assert values.utc(NOW) == "2026-01-31 09:30 UTC"


def test_names_are_joined_and_nobody_is_said_of_none() -> None:
    assert values.joined(["a@v.example", "b@v.example"]) == "a@v.example and b@v.example"
    assert values.joined([]) == "nobody"


def test_stages_stand_in_their_order() -> None:
    assert values.stages([stage("Vendor"), stage("Owner")]) == "Vendor, then Owner"
    assert values.stages([]) == "nobody"


def test_groups_have_their_approvals() -> None:
    assert values.groups([APPROVERS, LEGAL]) == "2 of Approvers and 1 of Legal"


def test_reasons_have_their_durations_in_words() -> None:
    assert values.reasons(["longer than PT4H", "at night"]) == "longer than 4 hours; at night"


def test_roles_are_shown_in_words() -> None:
    assert values.roles(["customer_admin", "engineer"]) == "customer admin, engineer"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (Changes(duration=timedelta(hours=1)), "for 1 hour"),
        (Changes(starts_at=NOW), "from 2026-01-31 09:30 UTC"),
        (Changes(resources=("a/b", "a/c")), "only a/b, a/c"),
        (Changes(actions=("read",)), "only to read"),
        (
            Changes(duration=timedelta(hours=1), starts_at=NOW, resources=("a/b",), actions=("read",)),
            "for 1 hour, from 2026-01-31 09:30 UTC, only a/b, only to read",
        ),
        (Changes(), ""),
    ],
)
def test_changes_of_an_approver_are_shown_as_limits(changes: Changes, text: str) -> None:
    assert values.narrowed(changes) == text
