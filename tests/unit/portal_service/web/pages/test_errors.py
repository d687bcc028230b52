"""Errors as pages."""

from typing import Any

import pytest
from pymongo.errors import AutoReconnect
from tests.unit.builders import ADMIN, ALICE, ENGINEER, OPERATOR, VENDOR_APPROVER, approval
from tests.unit.portal_service.web.conftest import OpenAs

from lockbox.contracts.identity import Caller
from lockbox.contracts.request.operations import ListRequests
from lockbox.errors import Conflict, Forbidden, Invalid, LockboxError, NotFound, Unavailable
from lockbox.faults import Fault


@pytest.mark.parametrize(
    ("error", "status", "texts"),
    [
        (
            Forbidden("role_required", "x", params={"roles": ["customer_admin"]}),
            403,
            ["This needs the role customer admin."],
        ),
        (NotFound("request_not_found", "there is no such request"), 404, ["There is no such page"]),
        (Conflict("request_cancelled", "x"), 409, ["This is not possible any more", "This request is cancelled"]),
        (
            Invalid("invalid_limit", "x", [Fault(field="limit", expected="a whole number from 1 to 200")]),
            422,
            ["Limit: Expected a whole number from 1 to 200."],
        ),
        (Unavailable("service_timeout", "slow"), 503, ["Lockbox can't answer just now", "Open it again"]),
    ],
)
def test_error_of_a_service_has_a_page(open_as: OpenAs, error: LockboxError, status: int, texts: list[str]) -> None:
    page = open_as(ALICE, answers={ListRequests: error}).get("/requests", status)
    assert all(text.lower() in page.text.lower() for text in texts), page.text
    assert "Reference: " in page.text


def test_outage_of_the_portal_s_database_has_a_page(open_as: OpenAs) -> None:
    def lost(*_arguments: Any) -> Any:
        raise AutoReconnect("no primary")

    answer = open_as(ALICE, answers={ListRequests: lost}).answer("/requests")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "no primary" not in answer.text


def test_fault_of_lockbox_shows_its_reference_and_no_detail(open_as: OpenAs) -> None:
    def broken(*_arguments: Any) -> Any:
        raise ZeroDivisionError("a secret detail")

    page = open_as(ALICE, answers={ListRequests: broken}).get("/requests", 500)
    assert "Something is wrong with Lockbox" in page.text
    assert "a secret detail" not in page.html


def test_form_that_is_too_large_says_so(open_as: OpenAs) -> None:
    portal = open_as(ENGINEER)
    page = portal.post("/requests/new", {"justification": "x" * 300_000}, 413)
    assert "That was too much" in page.text


@pytest.mark.parametrize(
    ("person", "path", "status"),
    [
        (ENGINEER, "/audit", 403),
        (ENGINEER, "/settings/try", 403),
        (ENGINEER, "/grants/usage", 403),
        (ALICE, "/settings/document", 403),
        (OPERATOR, "/grants/break-glass", 403),
        (ALICE, "/requests/new", 403),
        (ALICE, "/requests?cursor=NONSENSE%20", 422),
        (VENDOR_APPROVER, "/settings?tenant=nobody", 404),
        (ADMIN, "/sign-out", 405),
    ],
)
def test_page_that_can_not_be_shown_says_so_in_html(open_as: OpenAs, person: Caller, path: str, status: int) -> None:
    refused = Invalid("invalid_cursor", "x", [Fault(field="cursor", expected="the next_cursor of an earlier answer")])
    portal = open_as(person, approval(), answers={ListRequests: refused})
    answer = portal.answer(path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Sign out" in answer.text


def test_unknown_address_of_the_api_answers_with_a_problem(open_as: OpenAs) -> None:
    answer = open_as(None).answer("/api/v1/nowhere", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
