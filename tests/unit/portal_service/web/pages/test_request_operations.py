"""The pages of cancel, ask, answer, break-glass and acknowledge: offers, effects, obstacles, and their commands."""

from typing import Any

import pytest
from tests.unit.builders import (
    ADMIN,
    ALICE,
    ENGINEER,
    FIONA,
    FRANK,
    NOW,
    OTHER_ENGINEER,
    VENDOR_APPROVER,
    approval,
    caller,
    decide,
    perform,
)
from tests.unit.portal_service.web.conftest import OpenAs

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.operations import CancelRequest, RequestInfo, UseBreakGlass
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import BreakGlass
from lockbox.contracts.request.operations import ProvideInfo
from lockbox.errors import Conflict

LEAD = caller("lena@vendor.example", "vendor", Role.VENDOR_APPROVER)
ALLOWED = {"break_glass": BreakGlass(allowed=True)}
PATH = f"/requests/{approval().request_id}"


def urgent() -> Approval:
    return approval(NOW, ALLOWED)


def asked_back() -> Approval:
    ask = RequestInfo(request_id=approval().request_id, question="Which messages?", idempotency_key="k-1")
    return perform(approval(), VENDOR_APPROVER, ask, NOW).state


def broken(*people: Caller) -> Approval:
    one = urgent()
    for number, person in enumerate(people):
        command = UseBreakGlass(request_id=one.request_id, comment="It burns.", idempotency_key=f"k-{number}")
        one = perform(one, person, command, NOW).state
    return one


# --- offers --------------------------------------------------------------------------------------------------------


VOTES = {"Approve", "Reject", "Approve less", "Ask for information"}


@pytest.mark.parametrize(
    ("person", "one", "offered"),
    [
        (ENGINEER, approval(), {"Cancel request"}),
        (VENDOR_APPROVER, approval(), VOTES),
        (VENDOR_APPROVER, urgent(), {*VOTES, "Break the glass"}),
        (ALICE, approval(), set()),
        (ENGINEER, asked_back(), {"Send answer", "Cancel request"}),
        (VENDOR_APPROVER, asked_back(), VOTES),
        (VENDOR_APPROVER, broken(VENDOR_APPROVER), VOTES),
        (LEAD, broken(VENDOR_APPROVER), {*VOTES, "Break the glass"}),
        (ALICE, broken(VENDOR_APPROVER, LEAD), {"Acknowledge", "Revoke access"}),
        (ADMIN, broken(VENDOR_APPROVER, LEAD), {"Acknowledge", "Revoke access"}),
        (ENGINEER, broken(VENDOR_APPROVER, LEAD), {"Complete access", "Ask for more time"}),
    ],
)
def test_page_of_a_request_offers_what_the_person_can_do_now(
    open_as: OpenAs, person: Caller, one: Approval, offered: set[str]
) -> None:
    page = open_as(person, one).get(PATH)
    known = {
        "Approve", "Reject", "Approve less", "Ask for information", "Cancel request", "Send answer", "Break the glass",
        "Acknowledge", "Revoke access", "Complete access", "Ask for more time",
    }  # fmt: skip
    assert known & {*page.links, *page.buttons} == offered


@pytest.mark.parametrize("name", ["cancel", "ask", "answer", "break-glass", "acknowledge"])
def test_page_of_an_operation_that_is_not_possible_says_why_and_has_no_form(open_as: OpenAs, name: str) -> None:
    page = open_as(ADMIN, approval()).get(f"{PATH}/{name}")
    assert "You can't do this now" in page.text
    assert page.buttons == ["Sign out"]


# --- cancel, ask, answer -------------------------------------------------------------------------------------------


def test_request_when_cancelled_has_no_access(open_as: OpenAs) -> None:
    portal = open_as(ENGINEER, approval())
    after = portal.send(f"{PATH}/cancel", comment="No longer needed.")
    assert "You cancelled this request." in after.text
    assert "the request is cancelled" in after.text
    assert [command.comment for command in portal.services.commands(CancelRequest)] == ["No longer needed."]


def test_question_is_sent_to_the_engineer(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval())
    after = portal.send(f"{PATH}/ask", question="Which messages exactly?")
    assert "Your question is sent." in after.text
    assert "Which messages exactly?" in after.text


def test_question_when_empty_is_not_sent(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval())
    assert "1 to 4000 characters" in portal.send(f"{PATH}/ask", 422).text
    assert portal.services.commands(RequestInfo) == []


def test_answer_is_sent_with_the_question_in_sight(open_as: OpenAs) -> None:
    one = asked_back()
    portal = open_as(ENGINEER, one)
    portal.services.answers[ProvideInfo] = portal.services.requests[one.request_id]
    assert "Which messages?" in portal.get(PATH).text
    after = portal.send(f"{PATH}/answer", answer="Those of last Monday.")
    assert "Your answer is on its way to the approvers." in after.text
    assert [command.text for command in portal.services.commands(ProvideInfo)] == ["Those of last Monday."]


def test_answer_when_the_question_is_settled_meanwhile_keeps_what_was_typed(open_as: OpenAs) -> None:
    portal = open_as(ENGINEER, asked_back())
    portal.services.answers[ProvideInfo] = Conflict("no_question", "no question waits for an answer")
    page = portal.send(f"{PATH}/answer", 409, answer="Too late.")
    assert "No question waits for an answer." in page.text
    assert "Too late." in page.html


def test_answer_when_the_approvers_decided_without_it_says_why_it_comes_too_late(open_as: OpenAs) -> None:
    one = asked_back()
    portal = open_as(ENGINEER, one)
    page = portal.get(PATH)
    portal.services.approvals.states[one.request_id] = decide(one, VENDOR_APPROVER).state
    portal.services.answers[ProvideInfo] = Conflict("no_question", "no question waits for an answer")
    after = portal.post(f"{PATH}/answer", page.values | {"answer": "Too late."}, 409)
    assert "You can't do this now" in after.text


def test_operation_when_the_request_has_ended_meanwhile_changes_nothing(open_as: OpenAs) -> None:
    one = approval()
    portal = open_as(VENDOR_APPROVER, one)
    page = portal.get(f"{PATH}/ask")
    cancel = CancelRequest(request_id=one.request_id, idempotency_key="k-9")
    portal.services.approvals.states[one.request_id] = perform(one, ENGINEER, cancel, NOW).state
    after = portal.post(f"{PATH}/ask", page.values | {"question": "Why?"})
    assert "Nothing was changed. This request is cancelled" in after.text


# --- break-glass ---------------------------------------------------------------------------------------------------


def test_first_approver_is_told_that_nothing_opens_yet(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, urgent())
    page = portal.get(f"{PATH}/break-glass")
    assert "You would be the first to ask for this, so nothing opens yet." in page.text
    assert "opens" not in page.values
    after = portal.post(f"{PATH}/break-glass", page.values | {"comment": "Mail is down."})
    assert "Nothing is open until a second approver asks for it too." in after.text
    assert "Nobody yet: nothing is open" in after.text
    assert "Break the glass" not in after.links


def test_first_approver_has_to_say_why(open_as: OpenAs) -> None:
    assert "1 to 4000 characters" in open_as(VENDOR_APPROVER, urgent()).send(f"{PATH}/break-glass", 422).text


def test_second_approver_is_told_that_access_opens_at_once(open_as: OpenAs) -> None:
    portal = open_as(LEAD, broken(VENDOR_APPROVER))
    page = portal.get(f"{PATH}/break-glass")
    assert "You would be the second approver to ask for this: access opens at once" in page.text
    assert "It burns." in page.text
    assert page.values["opens"] == "yes"
    assert "Open access now" in page.buttons
    after = portal.post(f"{PATH}/break-glass", page.values | {"comment": "It does."})
    assert "Access is open, without the customer's approval." in after.text
    assert "By break-glass, without the customer" in after.text
    assert "Opened without the approval of contoso" in after.text


def test_approver_who_would_open_access_without_having_been_told_so_is_asked_again(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, urgent())
    page = portal.get(f"{PATH}/break-glass")
    one = broken(LEAD)
    portal.services.approvals.states[one.request_id] = one
    again = portal.post(f"{PATH}/break-glass", page.values | {"comment": "It burns here."}, 409)
    assert "you would be the one who opens the access" in again.text
    assert "It burns here." in again.html
    assert again.values["idempotency_key"] != page.values["idempotency_key"]
    assert portal.services.commands(UseBreakGlass) == []
    assert "Access is open" in portal.post(f"{PATH}/break-glass", again.values | {"comment": "It burns here."}).text


@pytest.mark.parametrize(
    ("person", "one"),
    [
        (VENDOR_APPROVER, approval()),
        (ENGINEER, approval()),
        (ALICE, approval()),
        (VENDOR_APPROVER, broken(VENDOR_APPROVER)),
    ],
    ids=["not allowed to an approver", "nor an engineer", "nor the customer", "not a second time"],
)
def test_break_glass_that_the_person_can_not_use_has_no_form(open_as: OpenAs, person: Caller, one: Approval) -> None:
    page = open_as(person, one).get(f"{PATH}/break-glass")
    assert "You can't do this now" in page.text
    assert page.buttons == ["Sign out"]


def test_customer_acknowledges_once(open_as: OpenAs) -> None:
    portal = open_as(ALICE, broken(VENDOR_APPROVER, LEAD))
    page = portal.get(f"{PATH}/acknowledge")
    assert "You put on record that your organisation knows of this access." in page.text
    after = portal.post(f"{PATH}/acknowledge", page.values | {"comment": "We knew."})
    assert "You acknowledged this access." in after.text
    assert "We knew." in after.text
    assert "You can't do this now" in portal.get(f"{PATH}/acknowledge").text


@pytest.mark.parametrize("person", [OTHER_ENGINEER, FRANK, FIONA], ids=["engineer", "approver", "administrator"])
def test_request_of_another_engineer_or_tenant_looks_as_if_it_did_not_exist(open_as: OpenAs, person: Any) -> None:
    page = open_as(person, approval()).get(PATH, 404)
    assert "There is no such page" in page.text
    assert "SR-359423" not in page.text
