"""`lockbox queue`, `approve`, `deny`, `ask`."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.unit.builders import ALICE, ENGINEER, NOW, REQUEST_ID, VENDOR_APPROVER, approval, decide, granted, quorum
from tests.unit.lockbox.cli.commands import fails, run, sent, table, works
from tests.unit.lockbox.cli.documents import asked_back, details, extended, listed, not_arrived, outcome, reading
from tests.unit.lockbox.fake_portal import FakePortal

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.terms import Changes

SHOWN, DECIDED = f"GET /api/v1/requests/{REQUEST_ID}", f"POST /api/v1/requests/{REQUEST_ID}/decisions"
HALF_AN_HOUR = Changes(duration=timedelta(minutes=30))
DAY = timedelta(days=1)

pytestmark = pytest.mark.usefixtures("signed_in")


def with_customer(**settings: Any) -> Approval:
    """A request that waits for the customer."""
    return decide(approval(settings=settings), VENDOR_APPROVER).state


def prepare(portal: FakePortal, before: Approval, after: Approval | None = None) -> dict[str, Any]:
    """The portal shows one and answers with the other; gives what it shows."""
    shown = details(before)
    portal.says(SHOWN, shown)
    portal.says(DECIDED, outcome(after or before), status=201)
    return shown


# --- the queue -----------------------------------------------------------------------------------------------------


def test_queue_when_several_things_wait_lists_what_ends_first_at_the_top(portal: FakePortal) -> None:
    later, soon, extension = reading(approval()), reading(approval()), reading(extended())
    soon["open"]["ends_at"] = "2026-01-31T10:00:00.000000Z"
    portal.says("GET /api/v1/queue", listed(later, extension, soon))
    rows = table(works("queue"), "REQUEST ID")
    assert [(row[1], row[2], row[3]) for row in rows] == [
        ("request", "1, Vendor", "2026-01-31 10:00:00 UTC"),
        ("extension 1", "1, Vendor", "2026-01-31 13:30:00 UTC"),
        ("request", "1, Vendor", "2026-01-31 21:30:00 UTC"),
    ]
    assert rows[0][0] == REQUEST_ID
    assert rows[0][4:] == ["SR-359423", "contoso", "NORMAL", "erin@vendor.example", "read on mailbox/alice for PT4H"]
    assert rows[1][-1] == "PT1H more to read on mailbox/alice"


def test_queue_when_somebody_asked_back_says_so(portal: FakePortal) -> None:
    portal.says("GET /api/v1/queue", listed(reading(asked_back())))
    [row] = table(works("queue"), "REQUEST ID")
    assert row[1] == "request, asked back"


def test_queue_when_it_comes_in_parts_reads_them_all(portal: FakePortal) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        last = request.url.params.get("cursor") == "c-1"
        return httpx.Response(200, json=listed(reading(approval()), next_cursor=None if last else "c-1"))

    portal.on("GET /api/v1/queue", answer)
    shown = json.loads(works("queue", "--json"))
    assert (len(shown["items"]), shown["next_cursor"], len(portal.requests)) == (2, None, 2)


# --- saying yes or no ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("decision", "did"), [("approve", "Approved"), ("deny", "Denied")])
def test_decision_when_made_is_on_what_is_open_and_says_so_in_a_line(
    portal: FakePortal, decision: str, did: str
) -> None:
    before = with_customer()
    after = decide(before, ALICE, decision, "because").state
    shown = prepare(portal, before, after)
    said = works(decision, REQUEST_ID, "-m", "because").splitlines()
    assert sent(portal, DECIDED) == {
        "decision": decision,
        "comment": "because",
        "request_digest": shown["request_digest"],
    }
    assert said[0] == (
        f"{did} in stage 2, Customer: request of erin@vendor.example for SR-359423, read on mailbox/alice for PT4H."
    )
    assert said[1] == f"Request {REQUEST_ID} is {after.state}."
    assert len(said) == (3 if after.grant else 2)


def test_approval_when_it_opens_access_says_until_when(portal: FakePortal) -> None:
    after = granted()
    prepare(portal, with_customer(), after)
    assert works("approve", REQUEST_ID).splitlines()[-1] == (
        f"Grant {after.granted().id} is ACTIVE until 2026-01-31 13:30:00 UTC."
    )


def test_approval_when_less_is_allowed_sends_what_was_given_alone(portal: FakePortal) -> None:
    prepare(portal, with_customer())
    said = works("approve", REQUEST_ID, "--duration", "PT1H", "--resource", "mailbox/a", "--resource", "mailbox/b")
    assert sent(portal, DECIDED)["changes"] == {"duration": "PT1H", "resources": ["mailbox/a", "mailbox/b"]}
    assert "; of that only duration PT1H; resources mailbox/a, mailbox/b.\n" in said


def test_approval_when_it_begins_later_for_fewer_actions_sends_that(portal: FakePortal) -> None:
    prepare(portal, with_customer())
    works("approve", REQUEST_ID, "--action", "list", "--starts-at", "2026-02-01T00:00:00Z")
    assert sent(portal, DECIDED)["changes"] == {"actions": ["list"], "starts_at": "2026-02-01T00:00:00Z"}


WIDE = {"resources": ("mailbox/**",), "actions": ("read", "delete")}
QUESTION = "May erin@vendor.example read and delete everything below mailbox?"


@pytest.mark.parametrize(("typed", "decided"), [("y\n", 1), ("n\n", 0), ("", 0)])
def test_approval_when_it_is_wide_or_can_change_things_has_to_be_confirmed(
    portal: FakePortal, typed: str, decided: int
) -> None:
    prepare(portal, approval(**WIDE))
    result = run("approve", REQUEST_ID, text=typed)
    assert QUESTION in result.stderr
    assert (result.exit_code == 0, len(portal.asked(DECIDED))) == (bool(decided), decided)


@pytest.mark.parametrize(
    "more",
    [("--yes",), ("--digest", "0123abcd"), ("--resource", "mailbox/alice", "--action", "read"), ("--yes", "--json")],
)
def test_approval_when_it_was_seen_or_narrowed_asks_nothing(portal: FakePortal, more: tuple[str, ...]) -> None:
    prepare(portal, approval(**WIDE))
    result = run("approve", REQUEST_ID, *more)
    assert (result.exit_code, QUESTION in result.stderr) == (0, False)
    assert len(portal.asked(DECIDED)) == 1


def test_request_when_it_is_wide_says_so_wherever_it_is_shown(portal: FakePortal) -> None:
    prepare(portal, approval(**WIDE))
    assert "mailbox/** (everything below mailbox)" in works("show", REQUEST_ID)
    portal.says("GET /api/v1/queue", listed(reading(approval(**WIDE))))
    assert table(works("queue"), "REQUEST ID")[0][-1].startswith("read, delete on mailbox/** (everything below")


@pytest.mark.parametrize("option", ["--duration", "--starts-at", "--resource", "--action"])
def test_approval_when_an_option_is_empty_does_not_allow_all(portal: FakePortal, option: str) -> None:
    prepare(portal, with_customer())
    works("approve", REQUEST_ID, option, "", "--yes")
    assert list(sent(portal, DECIDED)["changes"].values()) in ([""], [[""]])


@pytest.mark.parametrize("digest", ["0123abcd", ""])
def test_decision_when_a_digest_is_given_insists_on_it(portal: FakePortal, digest: str) -> None:
    prepare(portal, with_customer())
    works("deny", REQUEST_ID, "--digest", digest)
    assert sent(portal, DECIDED)["request_digest"] == digest


def test_decision_when_an_extension_is_asked_for_is_on_that(portal: FakePortal) -> None:
    before = extended()
    shown = prepare(portal, before, decide(before, VENDOR_APPROVER, changes=HALF_AN_HOUR).state)
    said = works("approve", REQUEST_ID, "--duration", "PT30M").splitlines()
    assert sent(portal, DECIDED)["request_digest"] == shown["extensions"][0]["request_digest"]
    assert said == [
        "Approved in stage 1, Vendor: extension 1 of erin@vendor.example for SR-359423, "
        "PT1H more to read on mailbox/alice; of that only duration PT30M.",
        f"Request {REQUEST_ID} is APPROVED.",
        "Extension 1 is PENDING.",
        f"Grant {before.granted().id} is ACTIVE until 2026-01-31 13:30:00 UTC.",
    ]


def test_decision_when_others_left_less_of_an_extension_is_on_what_is_left(portal: FakePortal) -> None:
    prepare(portal, decide(extended(), VENDOR_APPROVER, changes=HALF_AN_HOUR).state)
    assert "PT30M more to read on mailbox/alice." in works("approve", REQUEST_ID).splitlines()[0]


def test_decision_when_others_left_less_of_a_request_is_on_what_is_left(portal: FakePortal) -> None:
    prepare(portal, decide(approval(), VENDOR_APPROVER, changes=HALF_AN_HOUR).state)
    assert "read on mailbox/alice for PT30M." in works("approve", REQUEST_ID).splitlines()[0]


def test_decision_when_the_start_is_later_says_when(portal: FakePortal) -> None:
    later = approval(starts_at=NOW + DAY)
    prepare(portal, later)
    assert "for PT4H, from 2026-02-01 09:30:00 UTC." in works("approve", REQUEST_ID)


@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_decision_when_nothing_is_open_says_why_and_sends_none(portal: FakePortal, decision: str) -> None:
    prepare(portal, granted())
    said = fails(decision, REQUEST_ID)
    assert said == "this request is APPROVED; nothing waits for a decision [request_approved]"
    assert portal.asked(DECIDED) == []


def test_decision_when_the_request_has_not_arrived_says_so(portal: FakePortal) -> None:
    portal.says(SHOWN, not_arrived())
    assert fails("approve", REQUEST_ID) == "this request is not open for decisions yet; try again in a moment"


def test_decision_when_the_view_says_what_is_open_follows_it_alone(portal: FakePortal) -> None:
    """The portal alone decides what is open: the command line looks at neither stages nor digests itself."""
    shown = prepare(portal, with_customer())
    shown["open"] |= {"stage": 7, "name": "Board", "digest": "0123abcd"}
    portal.says(SHOWN, shown)
    assert works("approve", REQUEST_ID).startswith("Approved in stage 7, Board: ")
    assert sent(portal, DECIDED)["request_digest"] == "0123abcd"
    portal.says(SHOWN, shown | {"open": None})
    assert fails("approve", REQUEST_ID).startswith("this request is not open for decisions yet")


def test_decision_when_the_portal_refuses_says_why(portal: FakePortal) -> None:
    portal.says(SHOWN, details(approval(), ENGINEER))
    portal.says(DECIDED, {"detail": "nobody decides on an own request", "code": "own_request"}, status=403)
    assert fails("approve", REQUEST_ID) == "nobody decides on an own request [own_request]"


def test_decision_when_more_yeses_are_needed_says_that_it_still_waits(portal: FakePortal) -> None:
    before = with_customer(stages=quorum(2))
    prepare(portal, before, decide(before, ALICE).state)
    assert works("approve", REQUEST_ID).splitlines()[1:] == [f"Request {REQUEST_ID} is PENDING_CUSTOMER."]


# --- asking back ---------------------------------------------------------------------------------------------------


def test_ask_when_done_says_that_the_request_goes_on_expiring(portal: FakePortal) -> None:
    route = f"POST /api/v1/requests/{REQUEST_ID}/info-requests"
    portal.says(route, outcome(asked_back()), status=201)
    said = works("ask", REQUEST_ID, "Which mailbox?")
    assert sent(portal, route) == {"question": "Which mailbox?"}
    assert said.splitlines() == [
        f"Asked erin@vendor.example. Request {REQUEST_ID} is INFO_REQUESTED.",
        "It expires 2026-01-31 21:30:00 UTC if nobody decides.",
    ]
