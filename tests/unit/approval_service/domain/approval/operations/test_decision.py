"""Deciding under a policy with groups, thresholds and changes; what is shown; and what is said beforehand."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import (
    ADMIN,
    ALICE,
    ANN,
    AUDITOR,
    ENGINEER,
    NOW,
    OWN_LEAD,
    REQUEST_ID,
    VENDOR_APPROVER,
    approval,
    caller,
    decide,
    digest_of,
    perform,
)

from approval_service.domain.approval import views
from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.facts import DecisionRecorded, StageOpened
from lockbox.contracts.approval.operations import Decide
from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import DEFAULT_STAGES, Group, Side, StagePlan
from lockbox.contracts.request.terms import RequestState
from lockbox.errors import Conflict, Forbidden, Invalid

VENDOR, CUSTOMER = DEFAULT_STAGES
BEN = caller("ben@contoso.example", "contoso", Role.CUSTOMER_APPROVER)
ALL = Changes(
    duration=timedelta(hours=1), resources=("mailbox/alice",), actions=("read",), starts_at=NOW + timedelta(hours=1)
)


def group(name: str, *members: str, approvals: int = 1) -> Group:
    return Group(name=name, members=members, approvals=approvals)


def stage(*groups: Group, name: str = "Customer", denials: int = 1) -> StagePlan:
    return StagePlan(name=name, side=Side.CUSTOMER, groups=groups, denials=denials)


def under(*stages: StagePlan, **changes: Any) -> Approval:
    """A request under these stages alone."""
    return approval(settings={"stages": stages}, **changes)


TWO_GROUPS = stage(
    group("Legal", ALICE.email, ANN.email), group("Security", ALICE.email, BEN.email), name="Legal and security"
)
WIDE = {
    "resources": ("mailbox/*", "files/x"),
    "actions": ("read", "write"),
    "duration": timedelta(hours=2),
}


def code_of(one: Approval, by: Caller, verdict: Any = "approve", **options: Any) -> str:
    with pytest.raises((Conflict, Forbidden, Invalid)) as refused:
        decide(one, by, verdict, **options)
    return refused.value.code


# --- groups, quorum, thresholds ------------------------------------------------------------------------------------


def test_decide_when_there_are_two_groups_needs_both() -> None:
    one = decide(under(TWO_GROUPS), ANN).state
    assert one.state == RequestState.PENDING_CUSTOMER
    assert decide(one, BEN).state.state == RequestState.APPROVED


def test_decide_when_somebody_is_in_two_groups_counts_once() -> None:
    one = decide(under(TWO_GROUPS), ALICE).state
    assert one.state == RequestState.PENDING_CUSTOMER
    for second in (ANN, BEN):
        assert decide(one, second).state.state == RequestState.APPROVED


def test_decide_when_n_of_m_are_needed_counts_different_people() -> None:
    one = under(stage(group("Any two", "customer_approver", approvals=2)))
    once = decide(one, ALICE).state
    assert once.state == RequestState.PENDING_CUSTOMER
    assert decide(once, BEN).state.state == RequestState.APPROVED


def test_decide_when_there_are_three_stages_goes_through_them_in_order() -> None:
    one = under(VENDOR, CUSTOMER, stage(group("Admins", "customer_admin"), name="Admins"))
    states = [one.state]
    for by in (VENDOR_APPROVER, ALICE, ADMIN):
        one = decide(one, by).state
        states.append(one.state)
    assert states == ["PENDING_VENDOR", "PENDING_CUSTOMER", "PENDING_CUSTOMER", "APPROVED"]


def test_decide_when_one_has_decided_in_an_earlier_stage_counts_in_a_later_one_too() -> None:
    one = under(CUSTOMER, stage(group("Again", ALICE.email), name="Again"))
    assert decide(decide(one, ALICE).state, ALICE).state.state == RequestState.APPROVED


def test_decide_when_the_threshold_is_two_one_no_is_not_enough() -> None:
    one = under(stage(group("Any", "customer_approver"), denials=2))
    once = decide(one, ALICE, "deny").state
    assert once.state == RequestState.PENDING_CUSTOMER
    denied = decide(once, ANN, "deny")
    assert denied.state.state == RequestState.DENIED
    assert [fact.type for fact in denied.facts] == ["decision_recorded", "request_denied"]
    assert decide(once, BEN, "approve").state.state == RequestState.APPROVED


@pytest.mark.parametrize("by", [BEN, ADMIN])
def test_decide_when_the_policy_names_others_is_not_eligible(by: Caller) -> None:
    one = under(stage(group("Legal", ALICE.email)))
    assert code_of(one, by) == "not_eligible"


def test_decide_when_the_person_has_lost_the_role_is_refused_at_that_moment() -> None:
    one = under(stage(group("Legal", ALICE.email)))
    assert code_of(one, replace(ALICE, roles=frozenset({Role.CUSTOMER_AUDITOR}))) == "role_required"


def test_decide_when_the_policy_names_administrators_lets_them() -> None:
    one = under(stage(group("Admins", "customer_admin")))
    assert decide(one, ADMIN).state.state == RequestState.APPROVED


# --- a change of mind ----------------------------------------------------------------------------------------------

TWO_OF_ALL = stage(group("Any two", "customer_approver", approvals=2), denials=2)


def test_decide_when_the_mind_changes_before_the_stage_closes_the_last_word_counts() -> None:
    one = decide(under(TWO_OF_ALL), ALICE, "approve").state
    changed = decide(one, ALICE, "deny", "on second thoughts")
    assert [made.decision for made in changed.state.deliberation.decisions] == ["deny"]
    [fact] = changed.facts
    assert isinstance(fact, DecisionRecorded)
    assert (fact.decision, fact.instead) == ("deny", True)
    again = decide(decide(changed.state, ALICE, "approve").state, ANN)
    assert again.state.state == RequestState.APPROVED


def test_decide_when_the_same_is_said_again_conflicts() -> None:
    one = decide(under(TWO_OF_ALL), ALICE, "approve").state
    assert code_of(one, ALICE) == "already_decided"


def test_decide_when_the_stage_has_closed_the_word_stands() -> None:
    one = decide(under(VENDOR, CUSTOMER), VENDOR_APPROVER).state
    assert code_of(one, VENDOR_APPROVER, "deny") == "not_your_stage"


# --- what is shown -------------------------------------------------------------------------------------------------


def test_decide_when_something_else_was_shown_is_refused() -> None:
    command = Decide(request_id=REQUEST_ID, request_digest="0" * 64, decision="approve", idempotency_key="k-1")
    with pytest.raises(Conflict) as refused:
        perform(approval(), VENDOR_APPROVER, command, NOW)
    assert refused.value.code == "request_changed"


def test_digest_when_somebody_else_decides_stays_and_when_the_terms_narrow_changes() -> None:
    one = under(TWO_OF_ALL, **WIDE)
    before = digest_of(one)
    assert digest_of(decide(one, ALICE).state) == before
    assert digest_of(decide(one, ALICE, changes=Changes(actions=("read",))).state) != before


def test_digest_when_the_next_stage_opens_changes() -> None:
    one = under(VENDOR, CUSTOMER)
    assert digest_of(decide(one, VENDOR_APPROVER).state) != digest_of(one)


def test_decision_when_recorded_names_the_digest_of_what_was_shown() -> None:
    one = approval()
    changed = decide(one, VENDOR_APPROVER)
    assert changed.state.deliberation.decisions[0].request_digest == digest_of(one)
    assert changed.facts[0].request_digest == digest_of(one)  # type: ignore[attr-defined]


# --- less than what was asked --------------------------------------------------------------------------------------


def test_decide_when_less_is_approved_grants_less() -> None:
    one = decide(under(CUSTOMER, **WIDE), ALICE, changes=ALL).state
    grant = one.granted()
    assert (grant.resources, grant.actions) == (("mailbox/alice",), ("read",))
    assert grant.starts_at == NOW + timedelta(hours=1)
    assert grant.ends_at == NOW + timedelta(hours=2)


def test_decide_when_one_stage_takes_away_the_next_sees_what_is_left() -> None:
    changed = decide(under(VENDOR, CUSTOMER, **WIDE), VENDOR_APPROVER, changes=Changes(actions=("read",)))
    opened = changed.facts[1]
    assert isinstance(opened, StageOpened)
    assert opened.actions == ("read",)
    assert code_of(changed.state, ALICE, changes=Changes(actions=("write",))) == "wider_than_asked"
    assert decide(changed.state, ALICE).state.granted().actions == ("read",)


def test_decide_when_somebody_took_away_and_then_denies_it_stays_away() -> None:
    one = decide(under(TWO_OF_ALL, **WIDE), ALICE, changes=Changes(actions=("read",))).state
    turned = decide(one, ALICE, "deny").state
    assert turned.deliberation.terms.actions == ("read",)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        (Changes(duration=timedelta(hours=3)), "longer_than_asked", "changes.duration"),
        (Changes(resources=("files/y",)), "wider_than_asked", "changes.resources.0"),
        (Changes(resources=("files/x", "mailbox/**")), "wider_than_asked", "changes.resources.1"),
        (Changes(actions=("read", "delete")), "wider_than_asked", "changes.actions.1"),
        (Changes(starts_at=NOW - timedelta(seconds=1)), "earlier_than_asked", "changes.starts_at"),
        (Changes(starts_at=NOW + timedelta(days=31)), "earlier_than_asked", "changes.starts_at"),
    ],
)
def test_decide_when_it_would_be_more_is_refused_with_the_field(changes: Changes, code: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        decide(under(CUSTOMER, **WIDE), ALICE, changes=changes)
    assert (refused.value.code, refused.value.faults[0]["field"]) == (code, field)


def test_decide_when_the_start_would_be_before_the_one_asked_for_is_refused() -> None:
    one = under(CUSTOMER, starts_at=NOW + timedelta(hours=2))
    earlier = Changes(starts_at=NOW + timedelta(hours=1))
    assert code_of(one, ALICE, changes=earlier) == "earlier_than_asked"


def test_decide_when_a_denial_has_changes_is_refused() -> None:
    assert code_of(under(CUSTOMER), ALICE, "deny", changes=Changes(actions=("read",))) == "changes_with_denial"


# --- beforehand ----------------------------------------------------------------------------------------------------


def test_judge_when_nothing_is_in_the_way_says_what_is_missing() -> None:
    judged = views.judgement(decide(under(TWO_GROUPS), ANN).state, BEN, NOW)
    assert judged.allows("decide")
    assert judged.satisfied == ("Legal",)
    assert [(one.group, one.approvals) for one in judged.missing] == [("Security", 1)]
    assert judged.counts_for == ("Security",)


@pytest.mark.parametrize(
    ("by", "code"),
    [
        (ENGINEER, "role_required"),
        (OWN_LEAD, "own_request"),
        (AUDITOR, "role_required"),
        (VENDOR_APPROVER, "not_your_stage"),
        (ADMIN, "not_eligible"),
    ],
)
def test_judge_when_something_forbids_it_says_what_decide_would(by: Caller, code: str) -> None:
    one = under(CUSTOMER)
    assert [objection.code for objection in views.judgement(one, by, NOW).forbidden] == [code]
    assert code_of(one, by) == code


@pytest.mark.parametrize("state", [RequestState.APPROVED, RequestState.DENIED, RequestState.CANCELLED])
def test_judge_when_the_request_has_ended_says_so(state: RequestState) -> None:
    [objection] = views.judgement(replace(approval(), state=state), ALICE, NOW).forbidden
    assert objection.code == f"request_{state.lower()}"


def test_view_when_read_by_two_people_differs_in_what_they_may() -> None:
    one = under(CUSTOMER)
    first, second = (views.as_reading(one, by, NOW) for by in (ALICE, ADMIN))
    assert (first.you.allows("decide"), second.you.allows("decide")) == (True, False)
    assert first.request_digest == second.request_digest == digest_of(one)
    assert views.as_view(decide(one, ALICE).state).request_digest is None


# --- a freeze ------------------------------------------------------------------------------------------------------


def test_decide_when_the_access_would_be_in_a_freeze_is_refused_and_possible_after_it() -> None:
    from lockbox.contracts.policy.document import Freeze

    begins, ends = NOW + timedelta(hours=5), NOW + timedelta(hours=8)
    freeze = Freeze(
        name="quarter's end",
        starts=f"{begins:%Y-%m-%dT%H:%M}",
        ends=f"{ends:%Y-%m-%dT%H:%M}",
        time_zone="UTC",
        effect="no_access",
    )
    one = approval(settings={"stages": (CUSTOMER,), "freezes": (freeze,)})
    at = NOW + timedelta(hours=2)
    assert code_of(one, ALICE, now=at) == "access_frozen"
    assert decide(one, ALICE, now=at, changes=Changes(duration=timedelta(hours=1))).state.grant is not None
    assert decide(one, ALICE, now=at, changes=Changes(starts_at=ends)).state.grant is not None
    assert decide(one, ALICE, "deny", now=at).state.state == RequestState.DENIED


def test_decision_when_it_names_so_many_items_of_a_pattern_that_no_guard_accepts_the_grant_is_refused() -> None:
    one = approval(resources=("logs/**",))
    items = tuple(f"logs/{number:03}/{'x' * 200}" for number in range(100))
    with pytest.raises(Invalid) as refused:
        decide(one, VENDOR_APPROVER, changes=Changes(resources=items))
    assert (refused.value.code, refused.value.faults[0]["field"]) == ("grant_too_large", "changes.resources")
