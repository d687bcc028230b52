"""My queue: waiting decisions, own requests, unacknowledged access, and the links of those without either."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import (
    ADMIN,
    ALICE,
    AUDITOR,
    ENGINEER,
    NOW,
    OPERATOR,
    VENDOR_APPROVER,
    approval,
    caller,
    decide,
    granted,
    perform,
    quorum,
)
from tests.unit.portal_service.web.conftest import OpenAs
from tests.unit.portal_service.web.portal import POLICY, request_view

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.operations import RequestExtension, UseBreakGlass
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import DEFAULT_SETTINGS, BreakGlass, PolicySettings
from lockbox.contracts.policy.operations import GetPolicy
from lockbox.contracts.policy.views import Proposal
from lockbox.contracts.request.operations import ListRequests
from lockbox.contracts.request.terms import RequestState
from lockbox.contracts.request.views import RequestPage

LEAD = caller("lena@vendor.example", "vendor", Role.VENDOR_APPROVER)


def extended() -> Approval:
    one = granted(duration=timedelta(hours=1))
    asked = RequestExtension(
        grant_id=one.granted().id, duration=timedelta(minutes=40), justification="Longer.", idempotency_key="k-2"
    )
    return perform(one, ENGINEER, asked, NOW).state


def broken() -> Approval:
    one = approval(NOW, {"break_glass": BreakGlass(allowed=True)})
    for number, person in enumerate((VENDOR_APPROVER, LEAD)):
        command = UseBreakGlass(request_id=one.request_id, comment="It burns.", idempotency_key=f"k-{number}")
        one = perform(one, person, command, NOW).state
    return one


def test_start_page_leads_to_the_queue(open_as: OpenAs) -> None:
    answer = open_as(ALICE).answer("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/queue")


def test_decision_that_waits_has_its_row(open_as: OpenAs) -> None:
    page = open_as(VENDOR_APPROVER, approval()).get("/queue")
    for text in ("SR-359423", "Customer initiated support", "Pending vendor", "Stage: Vendor", "12 h 00 min"):
        assert text in page.text
    assert {"Approve SR-359423", "Reject SR-359423"} <= set(page.links)


def test_extension_that_waits_has_its_row(open_as: OpenAs) -> None:
    page = open_as(VENDOR_APPROVER, extended()).get("/queue")
    assert "40 minutes more to read" in page.text
    assert "Extension Stage: Vendor" in page.text


@pytest.mark.parametrize(
    ("person", "one"),
    [
        (ALICE, approval()),
        (VENDOR_APPROVER, decide(approval(), VENDOR_APPROVER).state),
        (ALICE, decide(decide(approval(NOW, {"stages": quorum(2)}), VENDOR_APPROVER).state, ALICE).state),
    ],
    ids=["of the other side", "decided", "voted already"],
)
def test_decision_that_does_not_wait_for_the_person_has_no_row(open_as: OpenAs, person: Caller, one: Approval) -> None:
    assert "Nothing waits for you." in open_as(person, one).get("/queue").text


def test_own_request_has_its_row(open_as: OpenAs) -> None:
    page = open_as(ENGINEER, approval()).get("/queue")
    assert "Your requests" in page.text
    assert "SR-359423" in page.text
    assert "Answer the question about SR-359423" not in page.links


def test_own_request_with_a_question_can_be_answered(open_as: OpenAs) -> None:
    asked = replace(request_view(approval()), state=RequestState.INFO_REQUESTED)
    answers = {ListRequests: RequestPage(items=(asked,), next_cursor=None)}
    page = open_as(ENGINEER, approval(), answers=answers).get("/queue")
    assert "Answer the question about SR-359423" in page.links


@pytest.mark.parametrize(
    ("person", "shown"), [(ALICE, True), (ADMIN, True), (AUDITOR, False), (VENDOR_APPROVER, False)]
)
def test_unacknowledged_access_stands_at_the_top_for_those_who_acknowledge_it(
    open_as: OpenAs, person: Caller, *, shown: bool
) -> None:
    page = open_as(person, broken()).get("/queue")
    assert ("Opened without your approval" in page.text) is shown
    assert ("Acknowledge the access of SR-359423" in page.links) is shown


def proposal(by: str) -> Any:
    settings = PolicySettings(**DEFAULT_SETTINGS.settings())
    return replace(POLICY, proposal=Proposal(settings=settings, digest="d", proposed_by=by, proposed_at=NOW))


@pytest.mark.parametrize(
    ("person", "by", "shown"),
    [(ADMIN, "noah@contoso.example", True), (ADMIN, ADMIN.email, False), (ALICE, "noah@contoso.example", False)],
)
def test_proposal_of_another_administrator_is_named(open_as: OpenAs, person: Caller, by: str, *, shown: bool) -> None:
    page = open_as(person, answers={GetPolicy: proposal(by)}).get("/queue")
    assert ("look at it" in page.links) is shown


def test_operator_is_told_to_read_no_requests(open_as: OpenAs) -> None:
    page = open_as(OPERATOR).get("/queue")
    assert "Operators neither read requests nor decide on them." in page.text
    assert "live grants" not in page.text


def test_auditor_is_told_where_to_go(open_as: OpenAs) -> None:
    page = open_as(AUDITOR, approval()).get("/queue")
    assert "You don't decide on requests." in page.text
    assert any(name.startswith("Audit trail Every step") for name in page.links)
    assert "requests that are pending" in page.text
