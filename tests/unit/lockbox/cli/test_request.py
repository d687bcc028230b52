"""`lockbox request`, `list`, `answer`, `cancel`."""

import pytest
from tests.unit.builders import ENGINEER, NOW, REQUEST_ID, approval, cancel
from tests.unit.lockbox.cli.commands import sent, table, works
from tests.unit.lockbox.cli.documents import answered, as_asked, listed, outcome
from tests.unit.lockbox.fake_portal import FakePortal

ASK = (
    *("request", "--tenant", "contoso", "--service-request", "SR-359423", "--reason", "CUSTOMER_INITIATED_SUPPORT"),
    *("--justification", "Alice cannot open her mailbox."),
    *("--resource", "mailbox/alice", "--resource", "files/x", "--action", "read"),
)

pytestmark = pytest.mark.usefixtures("signed_in")


def test_request_when_made_sends_the_terms_with_a_key(portal: FakePortal) -> None:
    portal.says("POST /api/v1/requests", as_asked(approval()), status=201)
    said = works(*ASK, "--duration", "PT4H")
    assert said == f"Request {REQUEST_ID}, for PT4H, is PENDING_VENDOR; it expires 2026-01-31 21:30:00 UTC.\n"
    assert sent(portal, "POST /api/v1/requests") == {
        "tenant": "contoso",
        "service_request": "SR-359423",
        "reason_code": "CUSTOMER_INITIATED_SUPPORT",
        "justification": "Alice cannot open her mailbox.",
        "resources": ["mailbox/alice", "files/x"],
        "actions": ["read"],
        "duration": "PT4H",
        "starts_at": None,
        "severity": "NORMAL",
    }
    assert len(portal.requests[0].headers["Idempotency-Key"]) == 36


def test_request_when_no_duration_is_given_leaves_it_to_the_policy(portal: FakePortal) -> None:
    portal.says("POST /api/v1/requests", as_asked(approval()), status=201)
    works(*ASK)
    assert sent(portal, "POST /api/v1/requests")["duration"] is None


def test_list_when_filtered_sends_what_was_given_alone(portal: FakePortal) -> None:
    portal.says("GET /api/v1/requests", listed(as_asked(approval())))
    said = works("list", "--state", "PENDING_VENDOR")
    assert portal.requests[0].url.query == b"state=PENDING_VENDOR&limit=50"
    [row] = table(said, "REQUEST ID")
    assert row == [
        *(REQUEST_ID, "SR-359423", "contoso", "2026-01-31 09:30:00 UTC", "PENDING_VENDOR", "NORMAL"),
        "CUSTOMER_INITIATED_SUPPORT",
    ]


def test_answer_when_given_says_that_the_request_goes_on(portal: FakePortal) -> None:
    route = f"POST /api/v1/requests/{REQUEST_ID}/info-answers"
    portal.says(route, as_asked(answered()), status=201)
    said = works("answer", REQUEST_ID, "Alice's.")
    assert sent(portal, route) == {"answer": "Alice's."}
    assert said == f"Answered; request {REQUEST_ID} goes on, and expires 2026-01-31 21:30:00 UTC.\n"


def test_cancel_when_done_says_so(portal: FakePortal) -> None:
    route = f"POST /api/v1/requests/{REQUEST_ID}/cancel"
    portal.says(route, outcome(cancel(approval(), ENGINEER, "", NOW).state))
    assert works("cancel", REQUEST_ID) == f"Request {REQUEST_ID} is CANCELLED.\n"
    assert sent(portal, route) == {"comment": ""}
