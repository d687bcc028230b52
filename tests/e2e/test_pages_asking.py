"""Asking for access, in a real browser."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Browser, Page, expect
from tests.e2e.conftest import numbers
from tests.e2e.pages import Open, form_of, row
from tests.people import People

JUSTIFICATION = "Messages of Alice can't be opened since the migration."


def fill_request(page: Page, service_request: str, duration: str = "1h 30m") -> None:
    page.get_by_label("Customer").select_option("contoso")
    page.get_by_label("Service request").fill(service_request)
    page.get_by_label("Reason").select_option("CUSTOMER_INITIATED_SUPPORT")
    page.get_by_label("Severity").select_option("HIGH")
    page.get_by_label("Justification").fill(JUSTIFICATION)
    page.get_by_label("Resources").fill("mailbox/alice\nmailbox/bob")
    page.get_by_label("Actions").fill("read, export")
    page.get_by_label("Duration").fill(duration)


def test_new_request_when_filled_in_shows_its_details(open_as: Open) -> None:
    page, service_request = open_as("engineer"), f"SR-{next(numbers)}"
    page.get_by_role("link", name="New request").click()
    fill_request(page, service_request)
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("heading", name=service_request)).to_be_visible()
    details = page.get_by_role("region", name="Details")
    expect(details).to_contain_text("High")
    for text in ("mailbox/bob", "export", "1 hour 30 minutes", JUSTIFICATION):
        expect(details).to_contain_text(text)
    page.get_by_role("link", name="My queue").click()
    expect(row(page, service_request)).to_contain_text("Pending vendor")


def test_new_request_with_start_takes_it_as_utc(browser: Browser, open_as: Open) -> None:
    page, service_request = open_as("engineer", timezone_id="Asia/Tokyo"), f"SR-{next(numbers)}"
    start = datetime.now(UTC) + timedelta(days=1)
    page.get_by_role("link", name="New request").click()
    fill_request(page, service_request)
    page.get_by_label("Start in UTC").fill(f"{start:%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("region", name="Details")).to_contain_text(f"{start:%Y-%m-%d %H:%M}:00 UTC")


def test_new_request_without_duration_takes_the_default_of_the_customer(open_as: Open, people: People) -> None:
    page, service_request = open_as("engineer", "/requests/new"), f"SR-{next(numbers)}"
    fill_request(page, service_request, duration="")
    page.get_by_label("Resources").fill("mailbox/*")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("heading", name=service_request)).to_be_visible()
    default = people.contoso_admin.get("/tenants/contoso/policy")["default_duration"]
    shown = people.engineer.get(f"/requests/{page.url.rpartition('/')[2]}")
    assert (shown["duration"], shown["resources"]) == (default, ["mailbox/*"])


def test_new_request_when_fields_are_wrong_says_so_beside_them_and_keeps_what_was_typed(open_as: Open) -> None:
    page = open_as("engineer", "/requests/new")
    fill_request(page, "359423", duration="soon")
    page.get_by_label("Resources").fill("mailbox/alice\nnot a resource")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed.")
    expect(page.locator("#service_request-error")).to_contain_text("SR-359423")
    expect(page.locator("#duration-error")).to_contain_text("duration such as")
    expect(page.locator("#resources-error")).to_contain_text("“not a resource”")
    assert page.get_by_label("Service request").input_value() == "359423"
    assert page.get_by_label("Resources").input_value() == "mailbox/alice\nnot a resource"
    assert page.get_by_label("Customer").input_value() == "contoso"


def test_new_request_when_too_long_for_the_tenant_names_its_maximum(open_as: Open) -> None:
    page = open_as("engineer", "/requests/new")
    fill_request(page, f"SR-{next(numbers)}", duration="23h")
    page.get_by_role("button", name="Send request").click()
    expect(page.locator("#duration-error")).to_contain_text(re.compile(r"at most \d+ hours"))


def test_new_request_when_sent_twice_is_one(open_as: Open, people: People) -> None:
    page, service_request = open_as("engineer", "/requests/new"), f"SR-{next(numbers)}"
    fill_request(page, service_request)
    typed = {
        **form_of(page),
        "tenant": "contoso",
        "service_request": service_request,
        "reason_code": "CUSTOMER_INITIATED_SUPPORT",
        "justification": JUSTIFICATION,
        "resources": "mailbox/alice",
        "actions": "read",
        "duration": "1h",
    }
    first, second = (page.request.post(page.url, form=typed, max_redirects=0) for _ in range(2))
    assert first.status == second.status == 303
    assert first.headers["location"] == second.headers["location"]
    mine = people.engineer.get("/requests?limit=50")["items"]
    assert [item["service_request"] for item in mine].count(service_request) == 1
