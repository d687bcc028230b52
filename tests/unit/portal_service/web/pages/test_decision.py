"""The pages to approve and to reject: forms, effects, obstacles, and decisions bound to what was shown."""

import re
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import (
    ALICE,
    ANN,
    ENGINEER,
    LEAD,
    NOW,
    VENDOR_APPROVER,
    approval,
    ask_back,
    decide,
    granted,
    perform,
    quorum,
)
from tests.unit.portal_service.web.conftest import OpenAs
from tests.unit.portal_service.web.portal import Page, Portal

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.operations import CancelRequest, Decide, GetApproval, RequestExtension
from lockbox.contracts.approval.terms import Changes
from lockbox.errors import NotFound, Unavailable

MUCH: dict[str, Any] = {"resources": ("mailbox/*", "files/report"), "actions": ("read", "export")}
PATH = f"/requests/{approval().request_id}"


def at_customer(**settings: Any) -> Approval:
    return decide(approval(NOW, settings), VENDOR_APPROVER).state


def extended() -> Approval:
    one = granted(duration=timedelta(hours=1))
    asked = RequestExtension(
        grant_id=one.granted().id, duration=timedelta(minutes=30), justification="Longer.", idempotency_key="k-2"
    )
    return perform(one, ENGINEER, asked, NOW).state


def decided(portal: Portal) -> Decide:
    [command] = portal.services.commands(Decide)
    return command  # type: ignore[no-any-return]


def ticked(page: Any, **changes: Any) -> dict[str, Any]:
    """The form as a browser sends it, all boxes ticked as they are, with some of it typed."""
    boxes = {"resources": list(MUCH["resources"]), "actions": list(MUCH["actions"])}
    return {**page.values, **boxes, "confirmed": "yes", **changes}


def ticks(page: Page) -> dict[str, bool]:
    """The boxes of a form, and whether each is ticked."""
    boxes = re.findall(r'<input[^>]*type="checkbox"[^>]*>', page.html)
    named = {re.findall(r'value="([^"]*)"', box)[0]: " checked" in box for box in boxes}
    return {name: checked for name, checked in named.items() if name != "yes"}


# --- what is shown -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "title"), [("approve", "Approve this request?"), ("reject", "Reject this request?")])
def test_page_shows_the_open_decision_and_its_digest(open_as: OpenAs, name: str, title: str) -> None:
    one = approval()
    page = open_as(VENDOR_APPROVER, one).get(f"{PATH}/{name}")
    assert title in page.text
    assert "Alice cannot open her mailbox." in page.text
    assert page.values["request_digest"] in page.text
    assert page.values["noun"] == "request"


def test_page_for_an_extension_asks_for_more_time_alone(open_as: OpenAs) -> None:
    page = open_as(VENDOR_APPROVER, extended()).get(f"{PATH}/approve")
    assert "Approve this extension?" in page.text
    assert "asks for 30 minutes more to read 1 resource of contoso" in page.text
    assert not {"asked_resources", "asked_actions", "starts_at"} & set(page.values)


def test_page_when_a_vote_was_given_before_says_which(open_as: OpenAs) -> None:
    one = decide(at_customer(stages=quorum(2)), ALICE, comment="Looks right.").state
    page = open_as(ALICE, one).get(f"{PATH}/reject")
    assert "Change your decision?" in page.text
    assert "You approved this request" in page.text
    assert "Looks right." in page.text


@pytest.mark.parametrize(
    ("person", "one", "reason"),
    [
        (VENDOR_APPROVER, at_customer(), "customer's people decide now"),
        (ALICE, approval(), "vendor's people decide now"),
        (ALICE, granted(), "approved"),
    ],
)
def test_page_for_a_person_without_a_vote_says_why_and_has_no_form(
    open_as: OpenAs, person: Any, one: Approval, reason: str
) -> None:
    page = open_as(person, one).get(f"{PATH}/approve")
    assert "You can't do this now" in page.text
    assert reason in page.text
    assert page.buttons == ["Sign out"]


def test_page_of_a_request_that_is_not_open_yet_says_so(open_as: OpenAs) -> None:
    one = approval()
    portal = open_as(VENDOR_APPROVER, one)
    portal.services.answers[GetApproval] = NotFound("request_not_found", "there is no such request")
    assert "The request is not open for decisions yet." in portal.get(f"{PATH}/approve").text


@pytest.mark.parametrize("path", ["", "/approve", "/reject"])
@pytest.mark.parametrize("query", ["", "?decision=approve", "?comment=x&csrf_token=x"])
def test_emailed_link_when_merely_opened_sends_no_command(open_as: OpenAs, path: str, query: str) -> None:
    portal = open_as(VENDOR_APPROVER, approval())
    portal.get(f"{PATH}{path}{query}")
    assert {message.method for message in portal.services.sent} == {"get_request", "get_approval"}


# --- what is sent --------------------------------------------------------------------------------------------------


def test_approval_of_all_that_was_asked_for_changes_nothing_of_it(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval(**MUCH))
    page = portal.get(f"{PATH}/approve")
    after = portal.post(f"{PATH}/approve", ticked(page, comment="Checked the case."))
    assert "You approved this request." in after.text
    command = decided(portal)
    assert (command.decision, command.changes, command.comment) == ("approve", None, "Checked the case.")
    assert command.request_digest == page.values["request_digest"]
    assert command.idempotency_key == page.values["idempotency_key"]
    assert "What is left of it" not in after.text


def test_approval_when_the_stage_needs_another_shows_the_progress(open_as: OpenAs) -> None:
    portal = open_as(ALICE, at_customer(stages=quorum(2)))
    assert "this stage still needs 1 approval" in portal.get(f"{PATH}/approve").text
    after = portal.send(f"{PATH}/approve")
    assert "1 of 2" in after.text
    assert "Until the stage is over you can change your mind" in after.text
    assert "Reject instead" in after.links
    again = portal.send(f"{PATH}/reject", comment="It is not.")
    assert "You rejected this request." in again.text
    [vote] = [
        one
        for one in portal.services.approvals.states[approval().request_id].deliberation.decisions
        if one.approver == ALICE.email
    ]
    assert (vote.decision, vote.comment) == ("deny", "It is not.")


def test_approval_of_less_sends_what_is_left(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval(**MUCH))
    typed = {
        "duration": "90 minutes",
        "starts_at": "2026-01-31T12:00",
        "only:mailbox/*": "mailbox/alice\nmailbox/bob",
        "resources": ["mailbox/*"],
        "actions": ["read"],
    }
    after = portal.post(f"{PATH}/approve", ticked(portal.get(f"{PATH}/approve"), **typed))
    assert decided(portal).changes == Changes(
        duration=timedelta(minutes=90),
        starts_at=NOW.replace(hour=12, minute=0, second=0, microsecond=0),
        resources=("mailbox/alice", "mailbox/bob"),
        actions=("read",),
    )
    assert "1 hour 30 minutes" in after.text


def test_approval_that_would_allow_more_says_so_and_keeps_what_was_typed(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval(**MUCH))
    typed = {"duration": "30h", "actions": ["read"], "only:mailbox/*": "calendar/alice"}
    page = portal.post(f"{PATH}/approve", ticked(portal.get(f"{PATH}/approve"), **typed), 422)
    assert "at most 4 hours" in page.text
    assert page.values["duration"] == "30h"
    assert "calendar/alice" in page.text
    assert "Nothing was changed." in page.text
    page = portal.post(f"{PATH}/approve", ticked(page, **typed | {"duration": "1h"}), 422)
    assert "“calendar/alice”" in page.text
    assert ticks(page) == {"mailbox/*": True, "files/report": True, "read": True, "export": False}
    assert portal.services.approvals.states[approval().request_id].deliberation.decisions == ()


def test_approval_of_nothing_at_all_is_refused(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval(**MUCH))
    page = portal.post(f"{PATH}/approve", ticked(portal.get(f"{PATH}/approve"), resources=[]), 422)
    assert "1 to 100 resources" in page.text


WIDE = {"resources": ("mailbox/**", "*/*"), "actions": ("read", "delete")}


def test_approval_when_it_is_wide_or_can_change_things_says_what_it_means_and_wants_a_tick(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval(**WIDE))
    for path in (PATH, f"{PATH}/approve"):
        page = portal.get(path)
        assert "everything below mailbox and every item of two segments" in page.text
        assert page.html.count(">Pattern<") == 2
        assert page.html.count(">Can change it<") == 1
        assert "Yes, they may read and delete everything below mailbox" in page.text
    boxes = {name: list(values) for name, values in WIDE.items()}
    unticked = portal.post(f"{PATH}/approve", page.values | boxes | {"comment": "Fine."}, 422)
    assert "Tick this to approve it" in unticked.text
    assert unticked.values["comment"] == "Fine."
    assert portal.services.commands(Decide) == []
    portal.post(f"{PATH}/approve", unticked.values | boxes | {"confirmed": "yes"})
    assert decided(portal).changes is None


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"resources": ("mailbox/alice",), "actions": ("read", "list")}, {}),
        ({"resources": ("mailbox/*",), "actions": ("read",)}, {"only:mailbox/*": "mailbox/alice"}),
        ({"resources": ("mailbox/alice",), "actions": ("read", "delete")}, {"actions": ["read"]}),
    ],
)
def test_approval_of_named_things_that_are_only_read_wants_no_tick(
    open_as: OpenAs, asked: dict[str, Any], left: dict[str, Any]
) -> None:
    portal = open_as(VENDOR_APPROVER, approval(**asked))
    page = portal.get(f"{PATH}/approve")
    boxes = {name: list(values) for name, values in asked.items()}
    portal.post(f"{PATH}/approve", {**page.values, **boxes, **left})
    assert decided(portal).decision == "approve"


def test_rejection_of_a_wide_request_wants_no_tick(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval(**WIDE))
    portal.send(f"{PATH}/reject", comment="Too much.")
    assert decided(portal).decision == "deny"


def test_rejection_sends_no_changes(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval())
    after = portal.send(f"{PATH}/reject", comment="Not needed.")
    assert "You rejected this request." in after.text
    assert "No access" in after.text
    assert (decided(portal).decision, decided(portal).changes) == ("deny", None)


def test_rejection_that_has_to_say_why_is_refused_without(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval(NOW, {"comment_on_denial": True}))
    page = portal.get(f"{PATH}/reject")
    assert "Why (the engineer reads it)" in page.text
    assert "why you reject" in portal.post(f"{PATH}/reject", page.values, 422).text


def test_decision_on_an_extension_says_so(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, extended())
    after = portal.send(f"{PATH}/reject")
    assert "You rejected this extension." in after.text
    assert "Extension 1 Denied" in after.text
    one = portal.services.approvals.states[approval().request_id]
    assert one.granted().ends_at == extended().granted().ends_at


def test_decision_from_the_page_of_the_request_is_bound_to_its_digest(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval())
    page = portal.get(PATH)
    assert {"Approve", "Reject"} <= set(page.buttons)
    portal.post(f"{PATH}/reject", page.values | {"comment": "No."})
    assert decided(portal).request_digest == page.values["request_digest"]


# --- what has changed meanwhile ------------------------------------------------------------------------------------


def test_decision_when_the_terms_have_changed_is_asked_for_again(open_as: OpenAs) -> None:
    one = decide(approval(NOW, {"stages": quorum(2)}, **MUCH), VENDOR_APPROVER).state
    portal = open_as(ALICE, one)
    page = portal.get(f"{PATH}/approve")
    fewer = Changes(duration=timedelta(minutes=30))
    portal.services.approvals.states[one.request_id] = decide(one, ANN, changes=fewer).state
    again = portal.post(f"{PATH}/approve", ticked(page, comment="For Alice alone.", resources=["mailbox/*"]), 409)
    assert "confirmed" not in again.values
    assert "what you decide on has changed since you opened this page" in again.text
    assert "30 minutes" in again.text
    assert "For Alice alone." in again.text
    assert again.values["request_digest"] != page.values["request_digest"]
    assert again.values["idempotency_key"] != page.values["idempotency_key"]
    assert ticks(again) == {"mailbox/*": True, "files/report": False, "read": True, "export": True}
    after = portal.post(f"{PATH}/approve", ticked(again, resources=["mailbox/*"]))
    assert "You approved this request." in after.text
    grant = portal.services.approvals.states[one.request_id].granted()
    assert (grant.resources, grant.ends_at - grant.starts_at) == (("mailbox/*",), timedelta(minutes=30))


def test_rejection_from_the_page_of_the_request_when_a_question_was_asked_is_asked_for_again(open_as: OpenAs) -> None:
    one = approval()
    portal = open_as(VENDOR_APPROVER, one)
    page = portal.get(PATH)
    portal.services.approvals.states[one.request_id] = ask_back(one, LEAD, "Why her?").state
    again = portal.post(f"{PATH}/reject", page.values | {"comment": "No case."}, 409)
    for text in ("has changed since you opened this page", "Why her?", "No case."):
        assert text in again.text
    after = portal.post(f"{PATH}/reject", again.values)
    assert "You rejected this request." in after.text
    assert [command.comment for command in portal.services.commands(Decide)][-1:] == ["No case."]
    assert portal.services.approvals.states[one.request_id].state == "DENIED"


def test_decision_when_the_request_was_cancelled_changes_nothing(open_as: OpenAs) -> None:
    one = approval()
    portal = open_as(VENDOR_APPROVER, one)
    page = portal.get(f"{PATH}/approve")
    cancel = CancelRequest(request_id=one.request_id, idempotency_key="k-9")
    portal.services.approvals.states[one.request_id] = perform(one, ENGINEER, cancel, NOW).state
    after = portal.post(f"{PATH}/approve", page.values)
    assert "Nothing was changed. This request is cancelled" in after.text


def test_decision_when_a_service_does_not_answer_can_be_sent_again_with_its_key(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval())
    page = portal.get(f"{PATH}/approve")
    portal.services.answers[Decide] = Unavailable("service_timeout", "approval_service does not answer")
    again = portal.post(f"{PATH}/approve", page.values | {"comment": "once"}, 503)
    assert "Send it again: it counts once." in again.text
    assert again.values["idempotency_key"] == page.values["idempotency_key"]
    assert again.values["comment"] == "once"
