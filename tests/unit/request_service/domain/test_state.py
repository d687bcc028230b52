from datetime import timedelta
from typing import Any, get_args

import pytest
from tests.unit.builders import (
    ALICE,
    ENGINEER,
    NOW,
    VENDOR_APPROVER,
    approval,
    ask_back,
    created,
    decide,
    extend,
    granted,
    policy,
)
from tests.unit.strategies import EVERY_FACT

from approval_service.domain.approval import answer as answers
from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.facts import RequestApproved, RequestCancelled, RequestDenied, RequestExpired
from lockbox.contracts.events import Fact
from lockbox.contracts.policy.document import Side
from lockbox.contracts.request.facts import InfoProvided, RequestCreated
from lockbox.contracts.request.terms import PENDING, RequestState
from request_service.domain.state import Progress, Standing, standing_after

EVALUATED, OPENED = Approval.open(created(), policy(), NOW).facts
APPROVED_BY_VENDOR = decide(approval(), VENDOR_APPROVER)
APPROVED = decide(APPROVED_BY_VENDOR.state, ALICE)
ABOUT: dict[str, Any] = {
    "tenant": "contoso",
    "request_id": created().request_id,
    "requester": "erin@vendor.example",
    "service_request": "SR-359423",
}


def test_standing_when_a_stage_opens_waits_for_its_side_until_it_expires() -> None:
    end = NOW + timedelta(hours=12)
    assert standing_after(OPENED, 1) == Standing(RequestState.PENDING_VENDOR, 1, end)
    customers = APPROVED_BY_VENDOR.facts[1]
    assert standing_after(customers, 3) == Standing(RequestState.PENDING_CUSTOMER, 3, end)


@pytest.mark.parametrize(
    ("fact", "state"),
    [
        (RequestApproved(**ABOUT, approval_required=True), RequestState.APPROVED),
        (RequestDenied(**ABOUT, denied_by="a@b", comment=""), RequestState.DENIED),
        (RequestCancelled(**ABOUT, comment=""), RequestState.CANCELLED),
        (RequestExpired(**ABOUT), RequestState.EXPIRED),
    ],
)
def test_standing_when_there_is_an_outcome_is_that(fact: Fact, state: RequestState) -> None:
    assert standing_after(fact, 9) == Standing(state, 9)


def test_standing_when_the_event_is_about_something_else_is_left() -> None:
    others = [created(), EVALUATED, APPROVED_BY_VENDOR.facts[0], *APPROVED.facts[2:]]
    assert [fact.type for fact in others] == [
        "request_created",
        "request_evaluated",
        "decision_recorded",
        "access_granted",
        "grant_activated",
    ]
    assert [standing_after(fact, 1) for fact in others] == [None] * 5


def test_standing_when_followed_to_the_end_is_what_the_approval_says() -> None:
    facts = [OPENED, *APPROVED_BY_VENDOR.facts, *APPROVED.facts]
    told = [standing_after(fact, sequence) for sequence, fact in enumerate(facts, start=1)]
    last = [standing for standing in told if standing is not None][-1]
    assert last.state == APPROVED.state.state == RequestState.APPROVED


def test_standing_when_approvers_ask_and_the_engineer_answers_waits_for_each_in_turn() -> None:
    asked = ask_back(approval(), VENDOR_APPROVER, "Which index?", NOW)
    assert [standing_after(fact, 4) for fact in asked.facts] == [Standing(RequestState.INFO_REQUESTED, 4)]
    told = InfoProvided(
        tenant="contoso", request_id=created().request_id, requester=ENGINEER.email, number=1, answer="The first."
    )
    assert standing_after(told, 2) is None, "the approval says when it goes on"
    resumed = answers.receive(asked.state, told, NOW)
    assert [standing_after(fact, 5) for fact in resumed.facts] == [Standing(RequestState.PENDING_VENDOR, 5)]


def test_standing_when_an_extension_is_asked_for_stays_approved() -> None:
    asked = extend(granted(), ENGINEER, timedelta(hours=1), "Longer.", NOW)
    assert [fact.type for fact in asked.facts] == ["extension_requested", "stage_opened"]
    assert [standing_after(fact, 9) for fact in asked.facts] == [None, None]


def test_stages_when_named_each_have_a_pending_state() -> None:
    assert {RequestState(f"PENDING_{stage}") for stage in Side} <= PENDING


def test_progress_when_listed_is_every_later_fact_about_a_request() -> None:
    about_requests = {
        kind
        for kind in EVERY_FACT
        if "request_id" in kind.__dataclass_fields__ and "access_id" not in kind.__dataclass_fields__
    }
    assert set(get_args(Progress)) == about_requests - {RequestCreated}
