"""`lockbox break-glass`."""

import pytest
from tests.unit.builders import ADMIN, REQUEST_ID, acknowledge
from tests.unit.lockbox.cli.commands import run, sent, table, works
from tests.unit.lockbox.cli.documents import SOON, broken_open, listed, outcome, reading
from tests.unit.lockbox.fake_portal import FakePortal

USE = f"POST /api/v1/requests/{REQUEST_ID}/break-glass"
USED = "GET /api/v1/tenants/contoso/break-glass"
KNOWN = acknowledge(broken_open(), ADMIN, "seen", SOON).state

pytestmark = pytest.mark.usefixtures("signed_in")


def test_use_when_it_is_the_first_says_that_nothing_is_open(portal: FakePortal) -> None:
    portal.says(USE, outcome(broken_open(1)))
    said = works("break-glass", "use", REQUEST_ID, "-m", "fire")
    assert sent(portal, USE) == {"comment": "fire"}
    assert said == (
        f"Nothing is open yet: another of the vendor's approvers has to use break-glass for {REQUEST_ID}, too.\n"
    )


def test_use_when_it_is_the_second_says_until_when_it_is_open(portal: FakePortal) -> None:
    opened = broken_open()
    portal.says(USE, outcome(opened))
    assert works("break-glass", "use", REQUEST_ID, "-m", "fire").splitlines() == [
        f"Grant {opened.granted().id} is ACTIVE until 2026-01-31 10:35:00 UTC.",
        "The customer has to acknowledge it.",
    ]


def test_use_when_no_reason_is_given_asks_for_one(portal: FakePortal) -> None:
    refused = run("break-glass", "use", REQUEST_ID)
    assert (refused.exit_code, "--comment" in refused.output) == (2, True)
    assert portal.requests == []


def test_acknowledge_when_done_says_what(portal: FakePortal) -> None:
    portal.says(f"{USE}/acknowledge", outcome(KNOWN))
    said = works("break-glass", "acknowledge", REQUEST_ID, "-m", "seen")
    assert sent(portal, f"{USE}/acknowledge") == {"comment": "seen"}
    assert said == "Acknowledged: the access of erin@vendor.example for SR-359423.\n"


def test_list_when_it_was_used_shows_by_whom_and_who_acknowledged_it(portal: FakePortal) -> None:
    portal.says(USED, listed(reading(KNOWN), reading(broken_open())))
    moment = "2026-01-31 09:35:00 UTC"
    opened = [REQUEST_ID, "SR-359423", "erin@vendor.example", moment, "victor@vendor.example, lena@vendor.example"]
    assert table(works("break-glass", "list", "contoso"), "REQUEST ID") == [
        [*opened, moment, "carol@contoso.example", "victor@vendor.example sees fire"],
        [*opened, "-", "-", "victor@vendor.example sees fire"],
    ]


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ((), b"limit=50"),
        (("--unacknowledged",), b"acknowledged=false&limit=50"),
        (("--acknowledged", "--limit", "5"), b"acknowledged=true&limit=5"),
    ],
)
def test_list_when_filtered_asks_for_that(portal: FakePortal, options: tuple[str, ...], query: bytes) -> None:
    portal.says(USED, listed())
    works("break-glass", "list", "contoso", *options)
    assert portal.requests[0].url.query == query
