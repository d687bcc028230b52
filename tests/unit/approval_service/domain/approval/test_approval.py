from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.builders import (
    ALICE,
    ANN,
    AUDITOR,
    ENGINEER,
    FRANK,
    NOW,
    OPERATOR,
    OTHER_ENGINEER,
    OWN_LEAD,
    VENDOR_APPROVER,
    VENDOR_AUDITOR,
    approval,
    caller,
    created,
    decide,
    policy,
    quorum,
)

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.events import Changed
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.identity import Role
from lockbox.contracts.request.terms import RequestState
from lockbox.errors import Conflict, Forbidden, Invalid, NotFound

SOON = NOW + timedelta(minutes=5)
LATER = NOW + timedelta(hours=12)


def types(changed: Changed[Approval]) -> list[str]:
    return [fact.type for fact in changed.facts]


def at_customer(**settings: object) -> Approval:
    return decide(approval(settings=settings), VENDOR_APPROVER, "approve", "", SOON).state


def approved(**changes: object) -> Approval:
    return decide(
        decide(approval(**changes), VENDOR_APPROVER, "approve", "", SOON).state, ALICE, "approve", "", SOON
    ).state


def test_open_when_approval_is_required_waits_for_the_vendor_first() -> None:
    changed = Approval.open(created(), policy(), NOW)
    assert changed.state.state == RequestState.PENDING_VENDOR
    assert [stage.name for stage in changed.state.deliberation.stages] == ["Vendor", "Customer"]
    assert types(changed) == ["request_evaluated", "stage_opened"]
    assert changed.state.grant is None


def test_open_when_created_a_while_ago_expires_by_the_time_of_creation() -> None:
    changed = Approval.open(created(), policy(request_lifetime=timedelta(hours=1)), NOW + timedelta(minutes=59))
    assert changed.state.expires_at == NOW + timedelta(hours=1)


def test_open_when_longer_than_the_policy_allows_is_denied_by_the_policy() -> None:
    changed = Approval.open(created(duration=timedelta(hours=5)), policy(), NOW)
    assert changed.state.state == RequestState.DENIED
    assert types(changed) == ["request_evaluated", "request_denied"]
    assert changed.facts[1].denied_by == "policy"  # type: ignore[attr-defined]


def test_decide_when_the_vendor_approves_opens_the_customers_stage() -> None:
    changed = decide(approval(), VENDOR_APPROVER, "approve", "fine", SOON)
    assert changed.state.state == RequestState.PENDING_CUSTOMER
    assert types(changed) == ["decision_recorded", "stage_opened"]
    assert changed.state.deliberation.decisions[0].comment == "fine"


def test_decide_when_everybody_approved_grants_access() -> None:
    changed = decide(at_customer(), ALICE, "approve", "", SOON)
    assert changed.state.state == RequestState.APPROVED
    assert types(changed) == ["decision_recorded", "request_approved", "access_granted", "grant_activated"]
    assert changed.state.grant is not None
    assert changed.state.grant.ends_at == SOON + timedelta(hours=4)


def test_decide_when_approval_is_not_required_grants_after_the_vendor_alone() -> None:
    opened = approval(settings={"require_approval": False})
    changed = decide(opened, VENDOR_APPROVER, "approve", "", SOON)
    assert changed.state.state == RequestState.APPROVED
    granted = changed.facts[2]
    assert granted.type == "access_granted"
    assert granted.approval_required is False  # type: ignore[attr-defined]


@pytest.mark.parametrize("stage", ["vendor", "customer"])
def test_decide_when_one_denies_is_final_and_grants_nothing(stage: str) -> None:
    before, by = (approval(), VENDOR_APPROVER) if stage == "vendor" else (at_customer(), ALICE)
    changed = decide(before, by, "deny", "no", SOON)
    assert changed.state.state == RequestState.DENIED
    assert changed.state.grant is None
    assert types(changed) == ["decision_recorded", "request_denied"]


def test_decide_when_the_quorum_is_two_needs_two_people() -> None:
    one = decide(at_customer(stages=quorum(2)), ALICE, "approve", "", SOON)
    assert one.state.state == RequestState.PENDING_CUSTOMER
    assert types(one) == ["decision_recorded"]
    with pytest.raises(Conflict) as refused:
        decide(one.state, ALICE, "approve", "", SOON)
    assert refused.value.code == "already_decided"
    assert decide(one.state, ANN, "approve", "", SOON).state.state == RequestState.APPROVED


def test_decide_when_the_quorum_is_two_one_no_is_enough() -> None:
    one = decide(at_customer(stages=quorum(2)), ALICE, "approve", "", SOON).state
    assert decide(one, ANN, "deny", "", SOON).state.state == RequestState.DENIED


def test_decide_when_it_is_ones_own_request_is_forbidden_whatever_the_roles() -> None:
    for asker, code in ((ENGINEER, "role_required"), (OWN_LEAD, "own_request")):
        with pytest.raises(Forbidden) as refused:
            decide(approval(), asker, "approve", "", SOON)
        assert refused.value.code == code


@pytest.mark.parametrize("by", [VENDOR_AUDITOR, AUDITOR])
def test_decide_when_not_an_approver_is_forbidden(by: object) -> None:
    with pytest.raises(Forbidden) as refused:
        decide(approval(), by, "approve", "", SOON)  # type: ignore[arg-type]
    assert refused.value.code == "role_required"


@pytest.mark.parametrize("by", [FRANK, OPERATOR, OTHER_ENGINEER])
def test_decide_when_the_request_is_not_visible_says_not_found(by: object) -> None:
    with pytest.raises(NotFound) as refused:
        decide(approval(), by, "approve", "", SOON)  # type: ignore[arg-type]
    assert refused.value.code == "request_not_found"


def test_decide_when_a_customer_role_is_held_at_the_vendor_counts_for_nothing() -> None:
    impostor = caller("mallory@vendor.example", "vendor", Role.CUSTOMER_APPROVER)
    with pytest.raises(NotFound):
        decide(at_customer(), impostor, "approve", "", SOON)


def test_decide_when_it_is_the_other_sides_stage_is_forbidden() -> None:
    for before, by in ((approval(), ALICE), (at_customer(), VENDOR_APPROVER)):
        with pytest.raises(Forbidden) as refused:
            decide(before, by, "approve", "", SOON)
        assert refused.value.code == "not_your_stage"


def test_decide_when_time_is_up_is_refused_even_before_the_sweep() -> None:
    with pytest.raises(Conflict) as refused:
        decide(at_customer(), ALICE, "approve", "", LATER)
    assert refused.value.code == "request_expired"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (RequestState.APPROVED, "request_approved"),
        (RequestState.DENIED, "request_denied"),
        (RequestState.CANCELLED, "request_cancelled"),
        (RequestState.EXPIRED, "request_expired"),
    ],
)
def test_decide_when_the_request_has_ended_conflicts(state: RequestState, code: str) -> None:
    with pytest.raises(Conflict) as refused:
        decide(replace(approval(), state=state), VENDOR_APPROVER, "approve", "", SOON)
    assert refused.value.code == code


def test_advance_when_nobody_decided_in_time_expires_the_request() -> None:
    changed = at_customer().advance(LATER)
    assert changed.state.state == RequestState.EXPIRED
    assert types(changed) == ["request_expired"]
    assert changed.state.advance(LATER).facts == ()


def test_advance_when_there_is_time_left_changes_nothing() -> None:
    before = at_customer()
    assert before.advance(LATER - timedelta(microseconds=1)) == Changed(before)


def test_advance_when_the_start_is_scheduled_activates_then_expires() -> None:
    start = NOW + timedelta(hours=2)
    before = approved(starts_at=start, duration=timedelta(minutes=10))
    assert before.grant is not None
    assert before.grant.state == GrantState.SCHEDULED
    active = before.advance(start)
    assert types(active) == ["grant_activated"]
    ended = active.state.advance(start + timedelta(minutes=10))
    assert types(ended) == ["grant_expired"]


def test_advance_when_the_sweep_slept_through_all_of_it_tells_both_facts() -> None:
    start = NOW + timedelta(hours=2)
    changed = approved(starts_at=start, duration=timedelta(minutes=10)).advance(start + timedelta(days=1))
    assert types(changed) == ["grant_activated", "grant_expired"]


def test_approve_when_the_scheduled_start_has_passed_counts_from_the_approval() -> None:
    before = approved(starts_at=NOW + timedelta(minutes=1))
    assert before.grant is not None
    assert before.grant.starts_at == SOON
    assert before.grant.state == GrantState.ACTIVE


@pytest.mark.parametrize("comment", ["", "  \n"])
def test_deny_when_the_policy_wants_a_comment_is_refused_without(comment: str) -> None:
    one = at_customer(comment_on_denial=True)
    with pytest.raises(Invalid) as refused:
        decide(one, ALICE, "deny", comment, SOON)
    assert (refused.value.code, refused.value.faults[0]["field"]) == ("comment_required", "comment")
    assert decide(one, ALICE, "deny", "Not now.", SOON).state.state == RequestState.DENIED
    assert decide(one, ALICE, "approve", comment, SOON).state.state == RequestState.APPROVED


def test_decide_when_changed_twenty_times_is_refused_and_the_last_decision_stands() -> None:
    one = approval(settings={"stages": quorum(2)})
    one = decide(one, VENDOR_APPROVER, "approve", "", SOON).state
    for number in range(20):
        one = decide(one, ALICE, "approve", f"{number}", SOON).state
    with pytest.raises(Conflict) as refused:
        decide(one, ALICE, "approve", "once more", SOON)
    assert (refused.value.code, refused.value.params) == ("too_many_votes", {"most": 20})
    assert decide(one, ANN, "approve", "", SOON).state.state == RequestState.APPROVED
