"""The pages of requests: list, filter, new request, and one with its details and history."""

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
    VENDOR_AUDITOR,
    approval,
    decide,
    granted,
)
from tests.unit.portal_service.web.conftest import OpenAs
from tests.unit.portal_service.web.portal import request_view

from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.operations import CreateRequest, GetRequest, ListRequests
from lockbox.contracts.request.terms import Severity
from lockbox.contracts.request.views import HistoryEntry, RequestView
from lockbox.errors import Invalid, TooMany
from lockbox.faults import Fault

PATH = f"/requests/{approval().request_id}"
TYPED = {
    "tenant": "contoso",
    "service_request": "SR-359423",
    "reason_code": "CUSTOMER_INITIATED_SUPPORT",
    "severity": "HIGH",
    "justification": "Alice cannot open her mailbox.",
    "resources": "mailbox/alice\n mailbox/bob \n",
    "actions": "read, export",
    "duration": "1h 30m",
    "starts_at": "2026-02-01T09:30",
}


def created(_services: Any, _caller: Caller, _message: CreateRequest) -> RequestView:
    return request_view(approval())


# --- a new request -------------------------------------------------------------------------------------------------


def test_new_request_is_sent_as_it_was_typed(open_as: OpenAs) -> None:
    portal = open_as(ENGINEER, approval(), answers={CreateRequest: created})
    page = portal.get("/requests/new")
    after = portal.post("/requests/new", page.values | TYPED)
    assert "You asked contoso for access." in after.text
    [command] = portal.services.commands(CreateRequest)
    assert command.idempotency_key == page.values["idempotency_key"]
    terms = command.terms
    assert (terms.tenant, terms.service_request, terms.severity) == ("contoso", "SR-359423", Severity.HIGH)
    assert (terms.resources, terms.actions) == (("mailbox/alice", "mailbox/bob"), ("read", "export"))
    assert terms.duration == timedelta(minutes=90)
    assert f"{terms.starts_at:%Y-%m-%dT%H:%M%z}" == "2026-02-01T09:30+0000"


def test_new_request_without_duration_leaves_it_to_the_policy(open_as: OpenAs) -> None:
    portal = open_as(ENGINEER, approval(), answers={CreateRequest: created})
    portal.send("/requests/new", **TYPED | {"duration": " ", "starts_at": "", "severity": ""})
    [command] = portal.services.commands(CreateRequest)
    assert (command.terms.duration, command.terms.starts_at) == (None, None)
    assert command.terms.severity == Severity.NORMAL


def test_new_request_with_faults_says_so_beside_each_field_and_keeps_what_was_typed(open_as: OpenAs) -> None:
    portal = open_as(ENGINEER)
    wrong = {"service_request": "359423", "duration": "soon", "resources": "mailbox/alice\nnot a resource"}
    page = portal.send("/requests/new", 422, **TYPED | wrong)
    assert "Nothing was changed." in page.text
    assert "a service request such as SR-359423" in page.text
    assert "a duration such as 4h or 1h 30m" in page.text
    assert "“not a resource”" in page.text
    assert page.values["service_request"] == "359423"
    assert "mailbox/alice\nnot a resource" in page.html
    assert portal.services.commands(CreateRequest) == []


def test_new_request_that_the_service_refuses_shows_its_faults(open_as: OpenAs) -> None:
    refused = Invalid("invalid_duration", "too long", [Fault(field="duration", expected="at most PT8H")])
    page = open_as(ENGINEER, answers={CreateRequest: refused}).send("/requests/new", 422, **TYPED)
    assert "at most 8 hours" in page.text


def test_new_request_beyond_the_limit_keeps_what_was_typed_and_names_the_limit(open_as: OpenAs) -> None:
    params = {"of": "engineer", "name": ENGINEER.email, "most": 20, "retry_after": 180}
    refused = TooMany("too_many_requests", "erin@vendor.example asks too often", params=params)
    page = open_as(ENGINEER, answers={CreateRequest: refused}).send("/requests/new", 429, **TYPED)
    assert "The limit of 20 requests in an hour for erin@vendor.example is reached. Try again in 180 s." in page.text
    assert "Alice cannot open her mailbox." in page.text


def test_history_that_is_cut_says_so(open_as: OpenAs) -> None:
    cut = replace(request_view(approval()), history_cut=True)
    assert "This list is cut" in open_as(ALICE, approval(), answers={GetRequest: cut}).get(PATH).text
    assert "This list is cut" not in open_as(ALICE, approval()).get(PATH).text


@pytest.mark.parametrize("person", [VENDOR_APPROVER, ALICE, ADMIN, OPERATOR])
def test_new_request_is_for_engineers_alone(open_as: OpenAs, person: Caller) -> None:
    assert "You can't do this" in open_as(person).get("/requests/new", 403).text


# --- the list ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "new", "filter_by_requestor"),
    [(ENGINEER, True, False), (VENDOR_APPROVER, False, True), (VENDOR_AUDITOR, False, True), (ALICE, False, True)],
)
def test_list_has_the_controls_of_the_person(
    open_as: OpenAs, person: Caller, *, new: bool, filter_by_requestor: bool
) -> None:
    page = open_as(person, approval()).get("/requests")
    assert "SR-359423" in page.text
    assert ("New request" in page.links) is new
    assert ("requester" in page.values) is filter_by_requestor


def test_list_is_filtered_by_the_service(open_as: OpenAs) -> None:
    portal = open_as(ALICE, approval())
    portal.get("/requests?state=DENIED&requester=erin@vendor.example&other=x")
    [query] = portal.services.commands(ListRequests)
    assert (query.state, query.requester, query.tenant) == ("DENIED", "erin@vendor.example", None)


def test_list_with_a_filter_that_can_not_be_says_so(open_as: OpenAs) -> None:
    assert "Lockbox does not understand this" in open_as(ALICE).get("/requests?state=NONSENSE", 422).text


# --- one request ---------------------------------------------------------------------------------------------------


def test_details_show_the_terms_in_words(open_as: OpenAs) -> None:
    one = approval(severity=Severity.HIGH, duration=timedelta(minutes=90), starts_at=NOW + timedelta(hours=1))
    page = open_as(ALICE, one).get(PATH)
    for text in (
        "High",
        "1 hour 30 minutes",
        "2026-01-31 10:30:00 UTC",
        "Alice cannot open her mailbox.",
        "Pending vendor",
    ):
        assert text in page.text


def test_details_show_what_is_left_when_an_approver_took_some_away(open_as: OpenAs) -> None:
    asked = approval(actions=("read", "export"))
    portal = open_as(ALICE, decide(asked, VENDOR_APPROVER, changes=Changes(actions=("read",))).state)
    portal.services.requests[asked.request_id] = request_view(asked)
    assert "What is left of it" in portal.get(PATH).text
    assert "What is left of it" not in open_as(ALICE, approval()).get(PATH).text


def test_details_show_the_history_in_sentences_and_text_as_it_was_typed(open_as: OpenAs) -> None:
    data = {"request_id": approval().request_id, "requester": "erin@vendor.example", "service_request": "SR-359423"}
    entry = HistoryEntry(
        id=approval().request_id,
        type="request_denied",
        time=NOW,
        actor="alice@contoso.example",
        data=data | {"tenant": "contoso", "denied_by": "alice@contoso.example", "comment": "<b>No</b> \u202e"},
    )
    portal = open_as(ALICE, approval())
    view = request_view(approval())
    portal.services.answers[GetRequest] = RequestView(**{**vars(view), "history": (entry,)})
    page = portal.get(PATH)
    assert "The request was denied by alice@contoso.example" in page.text
    assert "&lt;b&gt;No&lt;/b&gt; \N{REPLACEMENT CHARACTER}" in page.html


def test_details_of_a_request_that_has_not_reached_the_approvers_have_no_operations(open_as: OpenAs) -> None:
    portal = open_as(VENDOR_APPROVER, approval())
    portal.services.approvals.states.clear()
    page = portal.get(PATH)
    assert "SR-359423" in page.text
    assert page.buttons == ["Sign out"]


@pytest.mark.parametrize(
    ("person", "obstacle"), [(VENDOR_APPROVER, True), (ENGINEER, False), (AUDITOR, False), (VENDOR_AUDITOR, False)]
)
def test_details_tell_an_approver_why_the_vote_is_not_theirs(
    open_as: OpenAs, person: Caller, *, obstacle: bool
) -> None:
    page = open_as(person, decide(approval(), VENDOR_APPROVER).state).get(PATH)
    assert ("customer's people decide now" in page.text) is obstacle
    assert "Approve" not in page.buttons


def test_details_of_a_grant_show_no_token(open_as: OpenAs) -> None:
    page = open_as(ENGINEER, granted()).get(PATH)
    assert f"lockbox token {granted().granted().id}" in page.text
    assert "eyJ" not in page.html


@pytest.mark.parametrize("path", ["/requests/not-an-id", "/nowhere"])
def test_address_that_does_not_exist_has_a_page(open_as: OpenAs, path: str) -> None:
    page = open_as(ALICE).get(path, 404)
    assert "There is no such page" in page.text
    assert "Sign out" in page.buttons
